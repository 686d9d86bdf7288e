/* SPDX-License-Identifier: BSD-3-Clause */
/* Text tables, and how numbers and names are fitted into them. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/table.h"
#include "cli/top.h"

static void assert_prints(const struct table *table, const char *expected)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	table_print(table, stream);
	fclose(stream);
	assert_string_equal(text, expected);
	free(text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table *table = table_new("NAME >N LAST");

	(void)state;
	table_text(table, "a");
	table_number(table, 18446744073709551615u);
	table_text(table, "x");
	table_text(table, "longer");
	table_number(table, 7);
	table_text(table, "%s", "");
	assert_int_equal(table_rows(table), 2);
	assert_prints(table, "NAME                       N  LAST\n"
			     "a       18446744073709551615  x\n"
			     "longer                     7\n");
	table_free(table);
}

static void wide_characters_take_their_columns(void **state)
{
	struct table *table = table_new("NAME >N");

	(void)state;
	table_text(table, "東京");
	table_number(table, 1);
	table_text(table, "Zürich");
	table_number(table, 22);
	assert_prints(table, "NAME     N\n"
			     "東京     1\n"
			     "Zürich  22\n");
	table_free(table);
}

static void a_table_without_rows_prints_nothing(void **state)
{
	struct table *table = table_new("NAME >N");

	(void)state;
	assert_prints(table, "");
	table_free(table);
	table_free(NULL);
}

static void a_row_that_is_not_full_is_printed(void **state)
{
	struct table *table = table_new("A B C");

	(void)state;
	table_text(table, "1");
	assert_prints(table, "A  B  C\n1\n");
	table_free(table);
}

static void text_is_cut_between_characters(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *fitted;
	} cases[] = {
		{"abc", 5, "abc  "}, {"abc", 3, "abc"},	  {"abc", 2, "ab"}, {"", 2, "  "},
		{"東京", 3, "東 "},  {"東京", 4, "東京"}, {"東京", 1, " "}, {"é", 0, ""},
	};
	char fitted[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_fit(cases[i].text, cases[i].width, fitted, sizeof(fitted));
		assert_string_equal(fitted, cases[i].fitted);
	}
	/* A buffer that is too small holds less, and ends. */
	text_fit("abcdefghijklmnopqrstuvwxyz", 80, fitted, 20);
	assert_true(strlen(fitted) < 20);
}

static void numbers_have_three_digits_and_a_unit(void **state)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
		{0, "0"},	  {0.5, "0.5"},	    {9.96, "10"},     {42, "42"},
		{999, "999"},	  {999.4, "999"},   {999.6, "1.00k"}, {1000, "1.00k"},
		{1234, "1.23k"},  {99940, "99.9k"}, {123456, "123k"}, {1e6, "1.00M"},
		{9.9e9, "9.90G"}, {1e18, "1.00E"},  {1e22, "10000E"},
	};
	char text[TOP_UNIT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(top_unit(cases[i].number, text), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(wide_characters_take_their_columns),
		cmocka_unit_test(a_table_without_rows_prints_nothing),
		cmocka_unit_test(a_row_that_is_not_full_is_printed),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(numbers_have_three_digits_and_a_unit),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
