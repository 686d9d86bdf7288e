/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection as JSON: everything wrong is found, everything right comes back. */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define N128                                                                                       \
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"                         \
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define REST "'partner':'p','country':'DE','prefixes':[]"
#define GOOD "'name':'n'," REST

static json_t *load(const char *text)
{
	char *copy = strdup(text);
	json_t *document;

	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	document = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	free(copy);
	if (!document)
		fail_msg("not JSON: %s", text);
	return document;
}

static const struct {
	const char *text;
	enum error_code code;
	const char *hint;
} refused[] = {
	{"7", ERROR_BAD_VALUE, ""},
	{"[]", ERROR_BAD_VALUE, ""},
	{"{" REST "}", ERROR_MISSING_KEY, ""},
	{"{'name':'n','country':'DE','prefixes':[]}", ERROR_MISSING_KEY, ""},
	{"{'name':'n','partner':'p','prefixes':[]}", ERROR_MISSING_KEY, ""},
	{"{'name':'n','partner':'p','country':'DE'}", ERROR_MISSING_KEY, ""},
	{"{'name':''," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':7," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':null," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':' n'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'n '," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'n\\u3000'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'n\\u00a0'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'a\\nb'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'a\\u007fb'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'a\\u0085b'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'" N128 "n'," REST "}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'de','prefixes':[]}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'DEU','prefixes':[]}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'XX','prefixes':[]}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'US','prefixes':[]}", ERROR_MISSING_KEY, ""},
	{"{'name':'n','partner':'p','country':'US','state':'wa','prefixes':[]}", ERROR_BAD_VALUE,
	 ""},
	{"{" GOOD ",'state':'NSW'}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'city':''}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'city':null}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'primary_site':1}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'monitor':'yes'}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'monitor':1}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'rtt_threshold_ms':0}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'rtt_threshold_ms':40.0}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'rtt_threshold_ms':60001}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':7}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'mark':0}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'mark':-1}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'mark':4294967296}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'mark':'1'}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'dscp':64}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'vlan':0}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'vlan':4095}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'tag':{'dcsp':1}}", ERROR_UNKNOWN_KEY, "did you mean \"dscp\"?"},
	{"{" GOOD ",'labels':[]}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'labels':{'asn':64496}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'labels':{'':'x'}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'labels':{'x':' '}}", ERROR_BAD_VALUE, ""},
	{"{" GOOD ",'citty':'x'}", ERROR_UNKNOWN_KEY, "did you mean \"city\"?"},
	{"{" GOOD ",'City':'x'}", ERROR_UNKNOWN_KEY, "did you mean \"city\"?"},
	{"{" GOOD ",'zzzzzz':'x'}", ERROR_UNKNOWN_KEY, ""},
	{"{'name':'n','partner':'p','country':'DE','prefixes':'8.8.8.0/24'}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'DE','prefixes':[7]}", ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'DE','prefixes':[{}]}", ERROR_MISSING_KEY, ""},
	{"{'name':'n','partner':'p','country':'DE','prefixes':['8.8.8.8/24']}", ERROR_HOST_BITS,
	 "did you mean 8.8.8.0/24?"},
	{"{'name':'n','partner':'p','country':'DE','prefixes':[{'prefix':'8.8.8.0/24',"
	 "'owner':'partner'}]}",
	 ERROR_UNKNOWN_KEY, "did you mean \"ownership\"?"},
	{"{'name':'n','partner':'p','country':'DE','prefixes':[{'prefix':'8.8.8.0/24',"
	 "'ownership':'Partner'}]}",
	 ERROR_BAD_VALUE, ""},
	{"{'name':'n','partner':'p','country':'DE','prefixes':[{'prefix':'8.8.8.0/24',"
	 "'latency':'on'}]}",
	 ERROR_BAD_VALUE, ""},
};

static void connection_refuses_each_ugly_document_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		json_t *document = load(refused[i].text);
		struct error_list errors, warnings;
		struct error error;

		error_list_init(&errors);
		error_list_init(&warnings);
		connection_unref(connection_decode(document, 17, &errors, &warnings));
		if (errors.count != 1)
			fail_msg("%zu errors: %s", errors.count, refused[i].text);
		error_list_get(&errors, 0, &error);
		if (error.code != refused[i].code)
			fail_msg("%s: %s", error.message, refused[i].text);
		assert_string_equal(error.hint, refused[i].hint);
		assert_int_equal(error.line, 17);
		error_list_done(&errors);
		json_decref(document);
	}
}

static void connection_reports_everything_that_is_wrong_at_once(void **state)
{
	json_t *document = load("{'name':'n','partner':'','country':'xx','citty':'a','monitr':true,"
				"'tag':{'mark':0,'x':1,'vlan':5000},'prefixes':['1.2.3.4/8','x']}");
	struct error_list errors, warnings;

	(void)state;
	error_list_init(&errors);
	error_list_init(&warnings);
	connection_unref(connection_decode(document, 1, &errors, &warnings));
	assert_int_equal(errors.count, 9);
	assert_int_equal(fixture_count(&errors, ERROR_HOST_BITS, "n", "1.2.3.4/8"), 1);
	assert_int_equal(fixture_count(&errors, ERROR_UNKNOWN_KEY, "n", NULL), 3);
	error_list_done(&errors);
	json_decref(document);
}

static struct connection *decode_good(const char *text)
{
	json_t *document = load(text);
	struct error_list errors, warnings;
	struct connection *connection;
	struct error error;

	error_list_init(&errors);
	error_list_init(&warnings);
	connection = connection_decode(document, 0, &errors, &warnings);
	json_decref(document);
	if (errors.count) {
		error_list_get(&errors, 0, &error);
		fail_msg("%s", error.message);
	}
	error_list_done(&warnings);
	return connection;
}

static void connection_comes_back_as_it_was_written(void **state)
{
	static const char *const texts[] = {
		"{" GOOD "}",
		"{'name':'" N128 "'," REST "}",
		"{'name':'\xc3\xbc\\\\ \\u0022{}'," REST "}",
		"{'name':'n','partner':'p','country':'US','state':'WA','city':'Seattle',"
		"'primary_site':'sea1','backup_site':'pdx1','monitor':true,'rtt_threshold_ms':40,"
		"'tag':{'mark':4294967295,'dscp':0,'vlan':4094},'labels':{'a':'1','b':'2'},"
		"'prefixes':['0.0.0.0/0','203.0.113.0/24',"
		"{'prefix':'2001:db8:100::/40','ownership':'partner','latency':true},"
		"{'prefix':'2001:db8:200::/40','ownership':'partner'},"
		"{'prefix':'2001:db8:300::/40','latency':true}]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		json_t *document = load(texts[i]);
		struct connection *connection = decode_good(texts[i]);
		json_t *again = connection_encode(connection, CONNECTION_AS_WRITTEN);

		assert_true(json_equal(document, again));
		json_decref(again);
		json_decref(document);
		connection_unref(connection);
	}
}

static void connection_drops_a_repeated_prefix_with_a_warning(void **state)
{
	json_t *document = load("{'name':'n','partner':'p','country':'DE','prefixes':"
				"['9.9.9.0/24','8.8.8.0/24',{'prefix':'9.9.9.0/24'}]}");
	struct error_list errors, warnings;
	struct connection *connection;

	(void)state;
	error_list_init(&errors);
	error_list_init(&warnings);
	connection = connection_decode(document, 3, &errors, &warnings);
	assert_int_equal(errors.count, 0);
	assert_int_equal(fixture_count(&warnings, ERROR_REPEATED_PREFIX, "n", "9.9.9.0/24"), 1);
	assert_int_equal(connection->prefix_count, 2);
	error_list_done(&warnings);
	connection_unref(connection);
	json_decref(document);
}

static void connection_export_always_writes_the_mark(void **state)
{
	struct connection *connection = decode_good("{" GOOD ",'tag':{'mark':5}}");
	char *line;

	(void)state;
	connection_register(connection, 5, 0);
	assert_int_equal(connection->tag.mark, 0);
	line = connection_line(connection, CONNECTION_WITH_MARK);
	assert_non_null(strstr(line, "\"tag\":{\"mark\":5}"));
	free(line);
	connection_unref(connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_refuses_each_ugly_document_with_its_line),
		cmocka_unit_test(connection_reports_everything_that_is_wrong_at_once),
		cmocka_unit_test(connection_comes_back_as_it_was_written),
		cmocka_unit_test(connection_drops_a_repeated_prefix_with_a_warning),
		cmocka_unit_test(connection_export_always_writes_the_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
