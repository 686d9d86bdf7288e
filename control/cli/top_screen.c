/* SPDX-License-Identifier: BSD-3-Clause */
#include "field.h"
#include "table.h"
#include "top.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILTER_BYTES  64
#define NAME_LEAST    16
#define LINE_BYTES    2048
#define NUMBERS	      "%10s %10s %10s %10s %6s  "
#define NUMBERS_WIDTH 52
#define NUMBERS_BYTES 128
#define NOTE_WIDTH    22

struct screen {
	struct top *top;
	size_t first; /* row at the top of the list */
	size_t shown; /* rows that the filter lets through */
	int body_top; /* lines of the list: first and one behind the last */
	int body_end;
	char filter[FILTER_BYTES];
	bool typing; /* the filter */
	bool done;
};

static bool row_passes(const struct screen *screen, const struct top_row *row)
{
	return !*screen->filter || strcasestr(row->name, screen->filter) ||
	       (row->partner && strcasestr(row->partner, screen->filter)) ||
	       strcasestr(row->place, screen->filter);
}

/* One line of the screen: the text, cut or filled up with spaces. */
static void put_line(int line, attr_t attributes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put_line(int line, attr_t attributes, const char *format, ...)
{
	char text[LINE_BYTES], fitted[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_fit(text, COLS, fitted, sizeof(fitted));
	attrset(attributes);
	mvaddstr(line, 0, fitted);
	attrset(A_NORMAL);
}

static int draw_head(const struct screen *screen)
{
	const struct top *top = screen->top;
	char packets[TOP_UNIT_BYTES], bits[TOP_UNIT_BYTES], moment[16];
	time_t now = time(NULL);
	struct tm local;
	int line = 0;

	strftime(moment, sizeof(moment), "%T", localtime_r(&now, &local));
	if (top->reachable)
		put_line(line++, A_BOLD, "peertag top %s  peertagd %s%s%s  %s  revision %llu",
			 moment, top->version, *top->site ? "  site " : "", top->site,
			 top->ready ? "ready" : "NOT READY", (unsigned long long)top->revision);
	else
		put_line(line++, A_REVERSE, "peertag top %s  UNREACHABLE for %.0f s: %s", moment,
			 top_now() - top->lost_s, top->trouble);
	put_line(line++, A_NORMAL, "%s  received %s packets/s %s bit/s",
		 field_plural(top->row_count, "connection", "connections"),
		 top_unit(top->received.packets_s, packets), top_unit(top->received.bits_s, bits));
	for (size_t i = 0; i < top->engine_count && line < LINES - 3; i++) {
		const struct top_engine *engine = &top->engines[i];

		put_line(line++, engine->up ? A_NORMAL : A_BOLD,
			 "engine %s %s  generation %llu/%llu%s%s  %s", engine->name,
			 engine->up ? "up" : "DOWN", (unsigned long long)engine->generation,
			 (unsigned long long)engine->desired_generation,
			 *engine->table ? "  table " : "", engine->table, engine->ports);
	}
	return line;
}

/* Columns for the names: what the numbers leave over, shared by connection and partner. */
static int name_width(void)
{
	int left = COLS - NUMBERS_WIDTH - NOTE_WIDTH - 8;
	int width = left * 3 / 5;

	return width < NAME_LEAST ? NAME_LEAST : width;
}

static int partner_width(void)
{
	int left = COLS - NUMBERS_WIDTH - NOTE_WIDTH - 8 - name_width();

	return left < 0 ? 0 : left;
}

/* The columns of a line; numbers and note are as wide as they are. */
static void put_columns(int line, attr_t attributes, const char *const names[3],
			const char *numbers, const char *note)
{
	char name[LINE_BYTES / 4], partner[LINE_BYTES / 4], place[LINE_BYTES / 4];
	int width = partner_width();

	text_fit(names[0], name_width() - 1, name, sizeof(name));
	text_fit(names[1], width > 1 ? width - 1 : 0, partner, sizeof(partner));
	text_fit(names[2], 5, place, sizeof(place));
	put_line(line, attributes, "%s %s%s%s %s%s", name, partner, width > 1 ? " " : "", place,
		 numbers, note);
}

static void draw_titles(int line)
{
	const char *const names[] = {"CONNECTION", "PARTNER", "PLACE"};
	char numbers[NUMBERS_BYTES];

	snprintf(numbers, sizeof(numbers), NUMBERS, "RX pkt/s", "RX bit/s", "TX pkt/s", "TX bit/s",
		 "SEEN");
	put_columns(line, A_REVERSE, names, numbers, "NOTE");
}

static void draw_row(const struct top *top, const struct top_row *row, int line)
{
	const char *const names[] = {row->name, row->partner ? row->partner : "", row->place};
	const struct top_rate *in = &row->rate[PT_RECEIVE], *out = &row->rate[PT_TRANSMIT];
	char text[5][TOP_UNIT_BYTES], numbers[NUMBERS_BYTES];
	bool busy = in->packets_s > 0 || out->packets_s > 0;

	snprintf(numbers, sizeof(numbers), NUMBERS, top_unit(in->packets_s, text[0]),
		 top_unit(in->bits_s, text[1]), top_unit(out->packets_s, text[2]),
		 top_unit(out->bits_s, text[3]), top_seen(top, row, text[4]));
	put_columns(line, busy ? A_NORMAL : A_DIM, names, numbers, top_reason(top, row));
}

static void draw_rows(struct screen *screen)
{
	const struct top *top = screen->top;
	int line = screen->body_top;

	screen->shown = 0;
	for (size_t i = 0; i < top->row_count; i++) {
		if (!row_passes(screen, top->rows[i]))
			continue;
		if (screen->shown++ < screen->first || line >= screen->body_end)
			continue;
		draw_row(top, top->rows[i], line++);
	}
}

static void draw_foot(const struct screen *screen)
{
	size_t last = screen->first + screen->body_end - screen->body_top;

	if (screen->typing)
		put_line(LINES - 1, A_BOLD, "/%s_", screen->filter);
	else if (*screen->filter)
		put_line(LINES - 1, A_DIM, "%zu of %zu match \"%s\"  Esc shows all  q quits",
			 screen->shown, screen->top->row_count, screen->filter);
	else
		put_line(LINES - 1, A_DIM,
			 "%zu-%zu of %zu  arrows, page keys scroll  / filters  q quits",
			 screen->shown ? screen->first + 1 : 0,
			 last < screen->shown ? last : screen->shown, screen->shown);
}

static void draw(struct screen *screen)
{
	erase();
	if (LINES >= 4 && COLS >= 20) {
		screen->body_top = draw_head(screen) + 1;
		screen->body_end = LINES - 1;
		draw_titles(screen->body_top - 1);
		draw_rows(screen);
		draw_foot(screen);
	}
	refresh();
}

static void scroll_by(struct screen *screen, long rows)
{
	long page = screen->body_end - screen->body_top;
	long most = (long)screen->shown - page;
	long first = (long)screen->first + rows;

	if (first > most)
		first = most;
	screen->first = first < 0 ? 0 : first;
}

static void type_filter(struct screen *screen, int key)
{
	size_t length = strlen(screen->filter);

	if (key == '\n' || key == KEY_ENTER) {
		screen->typing = false;
	} else if (key == 27) {
		screen->typing = false;
		screen->filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length) {
		/* A character of UTF-8 goes as a whole. */
		while (length && (screen->filter[--length] & 0xc0) == 0x80)
			;
		screen->filter[length] = '\0';
	} else if (key >= ' ' && key < 256 && key != 127 && length + 1 < FILTER_BYTES) {
		screen->filter[length] = key;
		screen->filter[length + 1] = '\0';
	}
	screen->first = 0;
}

static void handle_key(struct screen *screen, int key)
{
	int page = screen->body_end - screen->body_top;

	if (key == KEY_RESIZE) {
		scroll_by(screen, 0);
	} else if (screen->typing) {
		type_filter(screen, key);
	} else if (key == 'q' || key == 'Q') {
		screen->done = true;
	} else if (key == '/') {
		screen->typing = true;
		screen->filter[0] = '\0';
	} else if (key == 27) {
		screen->filter[0] = '\0';
	} else if (key == KEY_DOWN || key == 'j') {
		scroll_by(screen, 1);
	} else if (key == KEY_UP || key == 'k') {
		scroll_by(screen, -1);
	} else if (key == KEY_NPAGE || key == ' ') {
		scroll_by(screen, page);
	} else if (key == KEY_PPAGE) {
		scroll_by(screen, -page);
	} else if (key == KEY_HOME || key == 'g') {
		screen->first = 0;
	} else if (key == KEY_END || key == 'G') {
		scroll_by(screen, screen->shown);
	}
}

static void run(struct screen *screen, double interval_s)
{
	double next_s = top_now() + interval_s;

	while (!screen->done) {
		double left_s = next_s - top_now();
		int key;

		draw(screen);
		timeout(left_s > 0 ? left_s * 1000 + 1 : 0);
		key = getch();
		if (key != ERR)
			handle_key(screen, key);
		if (top_now() < next_s)
			continue;
		top_take_sample(screen->top);
		next_s = top_now() + interval_s;
	}
}

enum exit_code top_screen(struct top *top, double interval_s)
{
	struct screen screen = {.top = top};
	SCREEN *terminal = newterm(NULL, stdout, stdin);

	if (!terminal)
		return EXIT_FAILED;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	run(&screen, interval_s);
	endwin();
	delscreen(terminal);
	return EXIT_DONE;
}
