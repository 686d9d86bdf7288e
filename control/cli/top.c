/* SPDX-License-Identifier: BSD-3-Clause */
/* peertag top: who sends how much now, on a screen or, with -b, as tables for pipes. */
#include "top.h"

#include "field.h"
#include "output.h"
#include "programs.h"
#include "request.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_LEAST_S 0.1
#define INTERVAL_MOST_S	 3600

struct settings {
	bool batch;
	long samples; /* 0: until it is interrupted */
	double interval_s;
};

char *top_unit(double number, char text[TOP_UNIT_BYTES])
{
	static const char units[] = {0, 'k', 'M', 'G', 'T', 'P', 'E'};
	size_t unit = 0;

	while (number >= 999.5 && unit + 1 < sizeof(units)) {
		number /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(text, TOP_UNIT_BYTES, number > 0 && number < 9.95 ? "%.1f" : "%.0f",
			 number);
	else
		snprintf(text, TOP_UNIT_BYTES, "%.*f%c",
			 number < 9.995	  ? 2
			 : number < 99.95 ? 1
					  : 0,
			 number, units[unit]);
	return text;
}

char *top_seen(const struct top *top, const struct top_row *row, char text[TOP_UNIT_BYTES])
{
	double seconds = top_now() - row->seen_s;

	if (row->seen_s == 0)
		strcpy(text, "-");
	else if (row->seen_s == top->time_s && top->reachable)
		strcpy(text, "now");
	else if (seconds < 100)
		snprintf(text, TOP_UNIT_BYTES, "%.0fs", seconds);
	else if (seconds < 6000)
		snprintf(text, TOP_UNIT_BYTES, "%.0fm", seconds / 60);
	else
		snprintf(text, TOP_UNIT_BYTES, "%.0fh", seconds / 3600);
	return text;
}

static void print_head(const struct top *top)
{
	char packets[TOP_UNIT_BYTES], bits[TOP_UNIT_BYTES], moment[32];
	time_t now = time(NULL);
	struct tm local;

	strftime(moment, sizeof(moment), "%F %T", localtime_r(&now, &local));
	if (!top->reachable) {
		printf("%s  UNREACHABLE: %s\n", moment, top->trouble);
		return;
	}
	printf("%s  peertagd %s%s%s, %s, revision %llu, %s, received %s packets/s %s "
	       "bit/s\n",
	       moment, top->version, *top->site ? ", site " : "", top->site,
	       top->ready ? "ready" : "NOT READY", (unsigned long long)top->revision,
	       field_plural(top->row_count, "connection", "connections"),
	       top_unit(top->received.packets_s, packets), top_unit(top->received.bits_s, bits));
	for (size_t i = 0; i < top->engine_count; i++) {
		const struct top_engine *engine = &top->engines[i];

		printf("engine %s %s, generation %llu/%llu%s%s%s%s\n", engine->name,
		       engine->up ? "up" : "DOWN", (unsigned long long)engine->generation,
		       (unsigned long long)engine->desired_generation,
		       *engine->table ? ", table " : "", engine->table,
		       *engine->ports ? ", ports " : "", engine->ports);
	}
}

static void print_batch(const struct top *top)
{
	struct table *table = table_new("CONNECTION PARTNER PLACE >RX-PACKETS/S >RX-BIT/S "
					">TX-PACKETS/S >TX-BIT/S >SEEN NOTE");
	char text[TOP_UNIT_BYTES];

	print_head(top);
	for (size_t i = 0; i < top->row_count; i++) {
		const struct top_row *row = top->rows[i];

		table_text(table, "%s", row->name);
		table_text(table, "%s", row->partner ? row->partner : "");
		table_text(table, "%s", row->place);
		for (enum pt_direction way = 0; way < PT_DIRECTIONS; way++) {
			table_text(table, "%s", top_unit(row->rate[way].packets_s, text));
			table_text(table, "%s", top_unit(row->rate[way].bits_s, text));
		}
		table_text(table, "%s", top_seen(top, row, text));
		table_text(table, "%s", top_reason(top, row));
	}
	table_print(table, stdout);
	printf("\n");
	table_free(table);
}

static void sleep_for(double seconds)
{
	struct timespec left = {seconds, (seconds - (long)seconds) * 1e9};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static enum exit_code run_batch(struct top *top, const struct settings *settings)
{
	for (long taken = 0; !settings->samples || taken < settings->samples; taken++) {
		sleep_for(settings->interval_s);
		top_take_sample(top);
		print_batch(top);
		if (fflush(stdout))
			break;
	}
	return output_finish(EXIT_DONE);
}

static enum exit_code run_json(struct top *top, const struct settings *settings)
{
	json_t *samples = json_array(), *document;
	enum exit_code code;

	for (long taken = 0; taken < (settings->samples ? settings->samples : 1); taken++) {
		sleep_for(settings->interval_s);
		top_take_sample(top);
		json_array_append_new(samples, top_json(top));
	}
	document = json_pack("{s:o}", "samples", samples);
	code = output_document(document);
	json_decref(document);
	return code;
}

static bool read_settings(const struct invocation *invocation, struct settings *ret_settings,
			  enum exit_code *ret_code)
{
	const char *interval =
		json_string_value(json_object_get(invocation->arguments, "interval"));
	struct settings settings = {
		.batch = invocation->json || field_true(invocation->arguments, "batch"),
		.samples = field_number(invocation->arguments, "samples"),
		.interval_s = 1,
	};
	char *end = NULL;

	if (interval)
		settings.interval_s = strtod(interval, &end);
	if (interval && (*end || !(settings.interval_s >= INTERVAL_LEAST_S &&
				   settings.interval_s <= INTERVAL_MOST_S))) {
		*ret_code = output_failure(invocation, EXIT_USAGE, "usage", NULL,
					   "-d is \"%s\": it is 0.1 to 3600 seconds", interval);
		return false;
	}
	if (!settings.batch && !isatty(STDOUT_FILENO)) {
		*ret_code = output_failure(invocation, EXIT_USAGE, "usage", "peertag top -b -n 1",
					   "standard output is no terminal: -b prints tables");
		return false;
	}
	*ret_settings = settings;
	return true;
}

static enum exit_code run_sampled(const struct invocation *invocation, struct top *top,
				  const struct settings *settings)
{
	/* Later on the daemon may come and go; at the start its absence is an error. */
	if (!top_take_sample(top))
		return output_failure(
			invocation, EXIT_UNREACHABLE, "unreachable",
			"start it (systemctl start peertagd), or name the socket of a "
			"running one with -s SOCKET or -c CONFIG",
			"%s", top->trouble);
	if (invocation->json)
		return run_json(top, settings);
	if (settings->batch)
		return run_batch(top, settings);
	if (top_screen(top, settings->interval_s) == EXIT_DONE)
		return EXIT_DONE;
	return output_failure(invocation, EXIT_FAILED, "terminal", "peertag top -b",
			      "cannot draw on this terminal (TERM=%s)",
			      getenv("TERM") ? getenv("TERM") : "");
}

enum exit_code run_top(struct invocation *invocation)
{
	enum exit_code code = EXIT_FAILED;
	struct settings settings;
	struct client *client;
	struct top top;

	if (!read_settings(invocation, &settings, &code))
		return code;
	client = request_client(invocation, &code);
	if (!client)
		return code;
	if (top_init(&top, client))
		code = run_sampled(invocation, &top, &settings);
	top_done(&top);
	return code;
}
