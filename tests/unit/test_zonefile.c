/* test_zonefile.c - dnsd/zone/zonefile.c: master files, directives, records and their
 * mistakes */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsd/zone/zonefile.h"
#include "tests/lib/zonetext.h"

struct fixture {
	struct zonetext t;
	char dir[64]; /* for files that include each other */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	zonetext_init(&f->t);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->dir[0]) {
		snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
		if (system(command) != 0)
			return -1;
	}
	zonetext_fini(&f->t);
	free(f);
	return 0;
}

/* A file in a folder of the test's own; `name` may hold one sub-folder. */
static void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[256];

	if (!f->dir[0]) {
		snprintf(f->dir, sizeof(f->dir), "/tmp/test_zonefile.XXXXXX");
		assert_non_null(mkdtemp(f->dir));
	}
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	char *slash = strrchr(path, '/');
	*slash = '\0';
	mkdir(path, 0700);
	*slash = '/';
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void read_file(struct fixture *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	zonetext_read_file(&f->t, "www.example.com", path);
}

/* The report without the name of the folder. */
static const char *said(struct fixture *f)
{
	size_t dir_len = strlen(f->dir) + 1;
	char *at;

	while (f->dir[0] && (at = strstr(f->t.said, f->dir)))
		memmove(at, at + dir_len, strlen(at + dir_len) + 1);
	return f->t.said;
}

struct text_case {
	const char *name;
	const char *text; /* behind ZONETEXT_HEAD */
	const char *expected;
};

#define CASES_MAX_TEXT 8192

static void body_read(struct fixture *f, const char *body)
{
	char text[CASES_MAX_TEXT];

	snprintf(text, sizeof(text), "%s%s", ZONETEXT_HEAD, body);
	zonetext_read(&f->t, text);
}

/* The records of the zone behind those of the head. */
static char *body_dump(const struct zone *zone)
{
	char *dump = zonetext_dump(zone);
	const char *soa = strstr(dump, " SOA ");
	char *body = strdup(strchr(soa, '\n') + 1);

	free(dump);
	return body;
}

static void cases_dump(struct fixture *f, const struct text_case *cases, size_t n)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < n; i++) {
		body_read(f, cases[i].text);
		char *body = f->t.zone ? body_dump(f->t.zone) : strdup("");

		if (f->t.said[0] || strcmp(body, cases[i].expected) != 0) {
			print_error("%s: got\n%s%s", cases[i].name, f->t.said, body);
			n_failed++;
		}
		free(body);
	}
	assert_int_equal(n_failed, 0);
}

static void cases_say(struct fixture *f, const struct text_case *cases, size_t n)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < n; i++) {
		body_read(f, cases[i].text);
		if (strcmp(f->t.said, cases[i].expected) == 0)
			continue;
		print_error("%s: got\n%s", cases[i].name, f->t.said);
		n_failed++;
	}
	assert_int_equal(n_failed, 0);
}

#define N(array) (sizeof(array) / sizeof(*(array)))
#define W	 "www.example.com."

static void lines_are_joined(void **state)
{
	static const struct text_case cases[] = {
		{"parentheses", "a TXT ( one ; and\n two\n\t)\n",
			"a." W " 60 TXT \"one\" \"two\"\n"},
		{"nested parentheses", "a TXT ( ( one\n ) two )\n",
			"a." W " 60 TXT \"one\" \"two\"\n"},
		{"parentheses without blanks", "a TXT(one)\n", "a." W " 60 TXT \"one\"\n"},
		{"quoted parenthesis, semicolon", "a TXT \"(;)\" x\n",
			"a." W " 60 TXT \"(;)\" \"x\"\n"},
		{"escaped quote and semicolon", "a TXT a\\\"b\\;c\n",
			"a." W " 60 TXT \"a\\\"b;c\"\n"},
		{"octets as digits", "a TXT \"\\065\\000\"\n", "a." W " 60 TXT \"A\\000\"\n"},
		{"comment without blank", "a TXT x;y\n", "a." W " 60 TXT \"x\"\n"},
		{"empty string", "a TXT \"\"\n", "a." W " 60 TXT \"\"\n"},
		{"strings side by side", "a TXT \"x\"\"y\"z\n",
			"a." W " 60 TXT \"x\" \"y\" \"z\"\n"},
		{"quote within a word", "a HTTPS 1 . alpn=\"h2,h3\"\n",
			"a." W " 60 HTTPS 1 . alpn=h2,h3\n"},
		{"CRLF", "a TXT x\r\n\r\n; y\r\nb TXT (\r\n z )\r\n",
			"a." W " 60 TXT \"x\"\nb." W " 60 TXT \"z\"\n"},
		{"no newline at the end", "a TXT x", "a." W " 60 TXT \"x\"\n"},
		{"comment at the end", "a TXT x\n;", "a." W " 60 TXT \"x\"\n"},
		{"lines of blanks", " \n\t\n ; c\na TXT x\n", "a." W " 60 TXT \"x\"\n"},
	};

	cases_dump(*state, cases, N(cases));
}

static void owner_ttl_and_class_are_read(void **state)
{
	static const struct text_case cases[] = {
		{"TTL then class", "a 30 IN TXT x\n", "a." W " 30 TXT \"x\"\n"},
		{"class then TTL", "a IN 30 TXT x\n", "a." W " 30 TXT \"x\"\n"},
		{"class alone, lower case", "a in txt x\n", "a." W " 60 TXT \"x\"\n"},
		{"class by number", "a CLASS1 TXT x\n", "a." W " 60 TXT \"x\"\n"},
		{"TTL zero", "a 0 TXT x\n", "a." W " 0 TXT \"x\"\n"},
		{"TTL with units", "a 1w2D3h4M5s TXT x\n", "a." W " 788645 TXT \"x\"\n"},
		{"greatest TTL", "a 2147483647 TXT x\n", "a." W " 2147483647 TXT \"x\"\n"},
		{"$TTL zero", "$TTL 0\na TXT x\n", "a." W " 0 TXT \"x\"\n"},
		{"$TTL with unit", "$TTL 1h\na TXT x\n", "a." W " 3600 TXT \"x\"\n"},
		{"blank owner", "a TXT x\n  TXT y\n\tIN TXT z\n",
			"a." W " 60 TXT \"x\"\na." W " 60 TXT \"y\"\na." W " 60 TXT \"z\"\n"},
		{"owner of digits", "7 TXT x\n", "7." W " 60 TXT \"x\"\n"},
		{"owner called like a type", "TXT TXT TXT\n", "txt." W " 60 TXT \"TXT\"\n"},
		{"owner in lower case, data as written", "A.B CNAME X.Example.NET.\n",
			"a.b." W " 60 CNAME X.Example.NET.\n"},
		{"@ as owner and in data", "$ORIGIN a\n@ TXT x\nb CNAME @\n",
			"a." W " 60 TXT \"x\"\nb.a." W " 60 CNAME a." W "\n"},
		{"escaped @", "a TXT @\n\\@ TXT x\n",
			"@." W " 60 TXT \"x\"\na." W " 60 TXT \"@\"\n"},
		{"dot within a label", "a\\.b TXT x\n", "a\\.b." W " 60 TXT \"x\"\n"},
		{"wildcard", "* TXT x\n", "*." W " 60 TXT \"x\"\n"},
		{"$ORIGIN absolute", "$ORIGIN b." W "\na TXT x\n", "a.b." W " 60 TXT \"x\"\n"},
		{"$ORIGIN relative, twice", "$ORIGIN b\n$origin c\na TXT x\n",
			"a.c.b." W " 60 TXT \"x\"\n"},
		{"canonical order",
			"z TXT x\na.b TXT x\nb TXT x\nB.a TXT x\na TXT x\n\\000 TXT x\n",
			"\\000." W " 60 TXT \"x\"\na." W " 60 TXT \"x\"\nb.a." W
			" 60 TXT \"x\"\nb." W " 60 TXT \"x\"\na.b." W " 60 TXT \"x\"\nz." W
			" 60 TXT \"x\"\n"},
	};

	cases_dump(*state, cases, N(cases));
}

static void every_type_is_read(void **state)
{
	static const struct text_case cases[] = {
		{"A", "a A 192.0.2.1\n", "a." W " 60 A 192.0.2.1\n"},
		{"AAAA", "a AAAA 2001:DB8::1\n", "a." W " 60 AAAA 2001:db8::1\n"},
		{"MX", "a MX 10 mail.example.net.\n", "a." W " 60 MX 10 mail.example.net.\n"},
		{"null MX", "a MX 0 .\n", "a." W " 60 MX 0 .\n"},
		{"SRV", "_s._tcp SRV 1 2 443 h.example.net.\n",
			"_s._tcp." W " 60 SRV 1 2 443 h.example.net.\n"},
		{"NAPTR", "a NAPTR 100 10 \"u\" \"sip+E2U\" \"!^.*$!sip:a@b!\" .\n",
			"a." W " 60 NAPTR 100 10 \"u\" \"sip+E2U\" \"!^.*$!sip:a@b!\" .\n"},
		{"CAA quoted and not",
			"a CAA 0 issue \"ca.example.net; x=y\"\nb CAA 128 iodef mailto:a@b\n",
			"a." W " 60 CAA 0 issue \"ca.example.net; x=y\"\nb." W
			" 60 CAA 128 iodef \"mailto:a@b\"\n"},
		{"TLSA", "a TLSA 3 1 1 00ff AB01\n", "a." W " 60 TLSA 3 1 1 00ffab01\n"},
		{"SSHFP", "a SSHFP 4 2 00ff\n", "a." W " 60 SSHFP 4 2 00ff\n"},
		{"URI", "a URI 10 1 \"https://example.net/\"\n",
			"a." W " 60 URI 10 1 \"https://example.net/\"\n"},
		{"LOC", "a LOC 51 30 12.748 N 0 7 39.611 W 0.00m\n",
			"a." W " 60 LOC 51 30 12.748 N 00 07 39.611 W 0m 1m 10000m 10m\n"},
		{"RP", "a RP b .\n", "a." W " 60 RP b." W " .\n"},
		{"HTTPS", "a HTTPS 1 b.example.net. port=443 alpn=h2 ipv4hint=192.0.2.1\n",
			"a." W
			" 60 HTTPS 1 b.example.net. alpn=h2 port=443 ipv4hint=192.0.2.1\n"},
		{"SVCB alias", "a SVCB 0 b.example.net.\n",
			"a." W " 60 SVCB 0 b.example.net.\n"},
		{"HINFO", "a HINFO PC \"Li nux\"\n", "a." W " 60 HINFO \"PC\" \"Li nux\"\n"},
		{"DNAME", "a DNAME b.example.net.\n", "a." W " 60 DNAME b.example.net.\n"},
		{"DS", "a NS b.example.net.\n DS 1 13 2 00ff\n",
			"a." W " 60 NS b.example.net.\na." W " 60 DS 1 13 2 00ff\n"},
		{"OPENPGPKEY", "a OPENPGPKEY ( AQID\n BAUG )\n",
			"a." W " 60 OPENPGPKEY AQIDBAUG\n"},
		{"APL", "a APL 1:192.0.2.0/24 !2:2001:db8::/32\n",
			"a." W
			" 60 APL 1:192.0.2.0/24 !2:2001:0db8:0000:0000:0000:0000:0000:0000/32 "
			"\n"},
		{"CDS", "a CDS 0 0 0 00\n", "a." W " 60 CDS 0 0 0 00\n"},
		{"CSYNC", "a CSYNC 1 3 A NS\n", "a." W " 60 CSYNC 1 3 A NS \n"},
		{"ZONEMD", "a ZONEMD 1 1 1 00ff\n", "a." W " 60 ZONEMD 1 1 1 00ff\n"},
		{"EUI48", "a EUI48 00-00-5e-00-53-2a\n",
			"a." W " 60 EUI48 00-00-5e-00-53-2a\n"},
		{"IPSECKEY with a name below the origin", "a IPSECKEY 10 3 2 gw AQID\n",
			"a." W " 60 IPSECKEY 10 3 2 gw." W " AQID\n"},
		{"IPSECKEY with addresses and none",
			"a IPSECKEY 10 1 2 192.0.2.1 AQID\nb IPSECKEY 10 0 2 . AQID\n"
			"c IPSECKEY 10 2 2 2001:db8::1 AQID\n",
			"a." W " 60 IPSECKEY 10 1 2 192.0.2.1 AQID\nb." W
			" 60 IPSECKEY 10 0 2 . AQID\nc." W
			" 60 IPSECKEY 10 2 2 2001:db8::1 AQID\n"},
		{"mnemonics",
			"a TLSA DANE-EE SPKI SHA2-256 00\na CERT PKIX 1 RSASHA256 AQID\n"
			"a CDS 1 ECDSAP256SHA256 2 00\n",
			"a." W " 60 CERT PKIX 1 8 AQID\na." W " 60 TLSA 3 1 1 00\na." W
			" 60 CDS 1 13 2 00\n"},
		{"HIP", "a HIP 2 200100107B1A74DF AQID rvs\n",
			"a." W " 60 HIP 2 200100107b1a74df AQID rvs." W "\n"},
		{"unknown type", "a TYPE65280 \\# 4 0a 00 0001\n",
			"a." W " 60 TYPE65280 \\# 4 0a000001\n"},
		{"unknown type without data", "a TYPE65280 \\# 0\n",
			"a." W " 60 TYPE65280 \\# 0\n"},
		{"known type in the unknown way",
			"a TYPE1 \\# 4 c0000201\nb MX \\# 3 000a00\n",
			"a." W " 60 A 192.0.2.1\nb." W " 60 MX 10 .\n"},
		{"SERVER and UPLINK as data", "a TXT SERVER UPLINK\nuplink TXT x\n",
			"a." W " 60 TXT \"SERVER\" \"UPLINK\"\nuplink." W " 60 TXT \"x\"\n"},
	};

	cases_dump(*state, cases, N(cases));
}

static void pseudo_records_are_read(void **state)
{
	static const struct text_case cases[] = {
		{"server", "a 10 SERVER web\n", "a." W " 10 SERVER 0\n"},
		{"server on all uplinks, any case", "a 10 IN server web ALL\n",
			"a." W " 10 SERVER 0 all\n"},
		{"uplink", "a 10 UPLINK isp-b\n", "a." W " 10 UPLINK 1\n"},
		{"all and receiving", "a uplink all\nb 10 uplink receiving\n",
			"a." W " 60 UPLINK all\nb." W " 10 UPLINK receiving\n"},
		{"blank owner, with addresses beside",
			"a UPLINK isp-a\n  UPLINK isp-b\n  A 192.0.2.1\n",
			"a." W " 60 UPLINK 0\na." W " 60 UPLINK 1\na." W " 60 A 192.0.2.1\n"},
		{"type 65280 is not ours", "a TYPE65280 \\# 3 776562\n",
			"a." W " 60 TYPE65280 \\# 3 776562\n"},
	};

	cases_dump(*state, cases, N(cases));
}

static void all_mistakes_are_found_in_one_run(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, ZONETEXT_HEAD "a A 192.0.2.300\n"
					   "b TXT ( \"x\n"
					   "  y )\n"
					   "c UPLINK isp-c\n"
					   "d ( A 192.0.2.1\n"
					   "e MX 70000 @\n");
	assert_int_equal(f->t.err, -EINVAL);
	assert_null(f->t.zone);
	assert_string_equal(f->t.said,
		"z:4: A: '192.0.2.300' is not an IPv4 address\n"
		"z:5: a quote (\") is not closed on its line\n"
		"z:7: UPLINK isp-c: site.yaml has no such uplink (did you mean 'isp-a'?)\n"
		"z:8: a parenthesis is opened and not closed\n"
		"z:9: MX: '70000' is more than 65535\n");
}

#define LONG_LABEL \
	"a23456789a23456789a23456789a23456789a23456789a23456789a23456789abcd" /* 64+ */

static void mistakes_of_lines_are_named(void **state)
{
	static const struct text_case cases[] = {
		{"quote", "a TXT \"x\nb TXT x\n",
			"z:4: a quote (\") is not closed on its line\n"},
		{"quote within a word", "a HTTPS 1 . alpn=\"x\n",
			"z:4: a quote (\") is not closed on its line\n"},
		{"parenthesis to the end", "a TXT ( x\n",
			"z:4: a parenthesis is opened and not closed\n"},
		{"parenthesis, reading goes on", "a TXT ( x\n  y\nb A x\n",
			"z:4: a parenthesis is opened and not closed\n"
			"z:6: A: 'x' is not an IPv4 address\n"},
		{"closing alone", "a TXT x )\n",
			"z:4: a parenthesis is closed that was not opened\n"},
		{"backslash at the end", "a TXT x\\\nb TXT \\",
			"z:4: a backslash at the end of the line escapes nothing\n"
			"z:5: a backslash at the end of the line escapes nothing\n"},
		{"multi-line record: its first line", "\na TXT ( x\n\n \"y\n )\n",
			"z:5: a quote (\") is not closed on its line\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void mistakes_of_heads_are_named(void **state)
{
	static const struct text_case cases[] = {
		{"no type", "a\na 5\na IN\n",
			"z:4: the record has no type\nz:5: the record has no type\n"
			"z:6: the record has no type\n"},
		{"address for a type", "a 192.0.2.1\nb 2001:db8::1\n",
			"z:4: '192.0.2.1' stands where TTL, class or type are expected: "
			"is the type missing, as A?\n"
			"z:5: '2001:db8::1' stands where TTL, class or type are expected: "
			"is the type missing, as AAAA?\n"},
		{"unknown type", "a CNMAE b\na FOO b\na \"A\" b\n",
			"z:4: 'CNMAE' is not a record type (did you mean CNAME?)\n"
			"z:5: 'FOO' is not a record type\n"
			"z:6: 'A' is not a record type: it is quoted\n"},
		{"unknown type by number", "a TYPE65536 \\# 0\na TYPE \\# 0\na TYPE1x \\# 0\n",
			"z:4: 'TYPE65536' is not a record type\n"
			"z:5: 'TYPE' is not a record type\n"
			"z:6: 'TYPE1x' is not a record type\n"},
		{"no type for a zone",
			"a ANY \\# 0\na AXFR \\# 0\na OPT \\# 0\na TSIG \\# 0\na TYPE0 \\# 0\n"
			"a TYPE200 \\# 0\na MD b\n",
			"z:4: type ANY is for questions or messages, it cannot be in a zone\n"
			"z:5: type AXFR is for questions or messages, it cannot be in a zone\n"
			"z:6: type OPT is for questions or messages, it cannot be in a zone\n"
			"z:7: type TSIG is for questions or messages, it cannot be in a zone\n"
			"z:8: type TYPE0 is for questions or messages, "
			"it cannot be in a zone\n"
			"z:9: type TYPE200 is for questions or messages, "
			"it cannot be in a zone\n"
			"z:10: type MD is obsolete, write MX (RFC 1035 section 3.3.4)\n"},
		{"TTL",
			"a 2147483648 TXT x\na 99999999999999999999 TXT x\n"
			"a 1x TXT x\na 1h2 TXT x\n"
			"a 5 5 TXT x\n",
			"z:4: TTL '2147483648' is more than 2147483647 "
			"seconds (RFC 2181 section 8)\n"
			"z:5: TTL '99999999999999999999' is more than "
			"2147483647 seconds (RFC 2181 section 8)\n"
			"z:6: TTL '1x' is not a time in seconds, nor one like 1h30m\n"
			"z:8: a second TTL, '5'\n"},
		{"class", "a CH TXT x\na CLASS3 TXT x\na IN IN TXT x\na NONE TXT x\n",
			"z:4: class CH: only IN is served\nz:5: class CLASS3: "
			"only IN is served\n"
			"z:6: a second class, 'IN'\nz:7: class NONE: only IN is served\n"},
		{"owner",
			"a..b TXT x\n.a TXT x\n" LONG_LABEL " TXT x\na\\300 TXT x\n  TXT y\n",
			"z:4: owner 'a..b' has an empty label (two dots in a row, "
			"or one in front)\n"
			"z:5: owner '.a' has an empty label (two dots in a row, "
			"or one in front)\n"
			"z:6: owner '" LONG_LABEL "' has a label of more than 63 octets\n"
			"z:7: owner 'a\\300' has a bad escape: \\ is followed "
			"by three digits up to 255, or by the character that is meant\n"
			"z:8: the line begins with a blank, which stands for the owner of the "
			"previous record, but there is none: write @ for the origin\n"},
		{"letters beyond ASCII", "m\xc3\xbcller TXT x\n",
			"z:4: warning: owner 'm\\195\\188ller' has letters beyond ASCII, "
			"which no client asks for: write the xn-- form\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void mistakes_of_data_are_named(void **state)
{
	static const struct text_case cases[] = {
		{"addresses", "a A 192.0.2.300\na A 2001:db8::1\na AAAA 192.0.2.1\na A\n",
			"z:4: A: '192.0.2.300' is not an IPv4 address\n"
			"z:5: A: '2001:db8::1' is not an IPv4 address\n"
			"z:6: AAAA: '192.0.2.1' is not an IPv6 address\n"
			"z:7: A: there is no data\n"},
		{"too many and too few",
			"a A 192.0.2.1 192.0.2.2\na MX 10\na SOA a b 1 2 3 4\n",
			"z:4: A: '192.0.2.2' is one field too many\n"
			"z:5: MX: there are too few fields, 1 of 2\n"
			"z:6: SOA: there are too few fields, 6 of 7\n"},
		{"numbers",
			"a MX 65536 @\na MX x @\na MX 1h @\na CAA 256 issue x\n"
			"a SRV 1 2 -3 @\n"
			"a TLSA 3 1 256 00\na DS 65536 1 1 00\n",
			"z:4: MX: '65536' is more than 65535\nz:5: MX: 'x' is not a number\n"
			"z:6: MX: '1h' is not a number\nz:7: CAA: '256' is more than 255\n"
			"z:8: SRV: '-3' is not a number\nz:9: TLSA: '256' is more than 255\n"
			"z:10: DS: '65536' is more than 65535\n"},
		{"SOA numbers", "b SOA a b 4294967296 2 3 4 5\nb SOA a b 1 2 3 4 2147483648\n",
			"z:4: SOA: '4294967296' is more than 4294967295\n"
			"z:5: SOA: '2147483648' is more than 2147483647 "
			"seconds (RFC 2181 section 8)\n"},
		{"names", "a CNAME a..b\na CNAME " LONG_LABEL "\n",
			"z:4: CNAME: 'a..b' has an empty label (two dots in a row, "
			"or one in front)\n"
			"z:5: CNAME: '" LONG_LABEL "' has a label of more than 63 octets\n"},
		{"what ldns reads",
			"a TLSA 3 1 1 xyz\na OPENPGPKEY ?\na LOC here\na HTTPS 1 . foo\n"
			"a EUI48 1\na APL x\na CAA 0 is-sue x\na CSYNC 1 3 FOO\na NULL x\n",
			"z:4: TLSA: 'xyz' is not a whole number of octets in hexadecimal\n"
			"z:5: OPENPGPKEY: '?' is not base64\n"
			"z:6: LOC: 'here' is not a location (51 30 12.748 N 0 7 39.611 W 10m)\n"
			"z:7: HTTPS: 'foo' is not a list of service parameters "
			"(alpn=h2 port=443)\n"
			"z:8: EUI48: '1' is not an EUI-48 address (00-00-5e-00-53-2a)\n"
			"z:9: APL: 'x' is not a prefix as 1:192.0.2.0/24\n"
			"z:10: CAA: 'is-sue' is not a tag (letters and digits)\n"
			"z:11: CSYNC: 'FOO' is not a type\n"
			"z:12: NULL: this type has no text form of its own; "
			"write \\# (RFC 3597)\n"},
		{"mnemonics",
			"a CERT x 1 8 AQID\na DS 1 x 2 00\na TLSA x 1 1 00\n"
			"a RRSIG FOO 13 3 10 20300101000000 20200101000000 1 a. AQID\n"
			"a IPSECKEY 10 4 2 x AQID\na IPSECKEY 10 1 2 x AQID\n"
			"a IPSECKEY 10 1\n",
			"z:4: CERT: 'x' is not a number, nor a known name\n"
			"z:5: DS: 'x' is not an algorithm\n"
			"z:6: TLSA: 'x' is not a number, nor a known name\n"
			"z:7: RRSIG: 'FOO' is not a type\n"
			"z:8: IPSECKEY: '4' is not a gateway's type, 0 to 3\n"
			"z:9: IPSECKEY: 'x' is not an IPv4 address\n"
			"z:10: IPSECKEY: there are too few fields, 2 of 5\n"},
		{"RFC 3597",
			"a TYPE65280 x\na TYPE65280 \\#\na TYPE65280 \\# 2 00\n"
			"a TYPE65280 \\# 1 0\na TYPE65280 \\# 1 0g\na A \\# 3 000000\n"
			"a A \\# 5 0000000000\na NS \\# 2 c000\na MX \\# 2 0000\n",
			"z:4: TYPE65280: "
			"an unknown type needs its data as \\# LENGTH HEX (RFC 3597)\n"
			"z:5: TYPE65280: after \\# comes the number of octets\n"
			"z:6: TYPE65280: \\# says 2 octets, and 1 follow\n"
			"z:7: TYPE65280: '0' is not a whole number of octets in hexadecimal\n"
			"z:8: TYPE65280: '0g' is not hexadecimal\n"
			"z:9: A: the octets after \\# are not data of this type\n"
			"z:10: A: the octets after \\# are not data of this type\n"
			"z:11: NS: the octets after \\# are not data of this type\n"
			"z:12: MX: the octets after \\# are not data of this type\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void mistakes_of_pseudo_records_are_named(void **state)
{
	static const struct text_case cases[] = {
		{"misspelt", "a SEVER web\na UPLNK all\n",
			"z:4: 'SEVER' is not a record type (did you mean SERVER?)\n"
			"z:5: 'UPLNK' is not a record type (did you mean UPLINK?)\n"},
		{"unknown names", "a UPLINK isp-c\na SERVER mail\na UPLINK recieving\n",
			"z:4: UPLINK isp-c: "
			"site.yaml has no such uplink (did you mean 'isp-a'?)\n"
			"z:5: SERVER mail: site.yaml has no such server\n"
			"z:6: UPLINK recieving: "
			"site.yaml has no such uplink (did you mean 'receiving'?)\n"},
		{"taken for the other", "a SERVER isp-a\na UPLINK web\n",
			"z:4: SERVER isp-a: that is an uplink, write UPLINK isp-a\n"
			"z:5: UPLINK web: that is a server, write SERVER web\n"},
		{"arguments",
			"a SERVER\na SERVER web isp-a\na SERVER web all all\na UPLINK\n"
			"a UPLINK isp-a all\n",
			"z:4: SERVER needs the name of a server of site.yaml\n"
			"z:5: SERVER takes a server's name and, after it, nothing but 'all'\n"
			"z:6: SERVER takes a server's name and, after it, nothing but 'all'\n"
			"z:7: UPLINK needs exactly one word: "
			"an uplink of site.yaml, 'all' or 'receiving'\n"
			"z:8: UPLINK needs exactly one word: "
			"an uplink of site.yaml, 'all' or 'receiving'\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void mistakes_of_directives_are_named(void **state)
{
	static const struct text_case cases[] = {
		{"unknown", "$ORIGN a\n",
			"z:4: '$ORIGN' is none of the directives $ORIGIN, $TTL and $INCLUDE\n"},
		{"$GENERATE", "$GENERATE 1-9 a$ A 192.0.2.$\n",
			"z:4: $GENERATE is BIND's own and not supported: "
			"write the records out\n"},
		{"$TTL", "$TTL\n$TTL 1 2\n$TTL 2147483648\n$TTL x\n",
			"z:4: $TTL needs exactly one time\nz:5: $TTL needs exactly one time\n"
			"z:6: $TTL '2147483648' is more than 2147483647 "
			"seconds (RFC 2181 section 8)\n"
			"z:7: $TTL 'x' is not a time in seconds, nor one like 1h30m\n"},
		{"$ORIGIN", "$ORIGIN\n$ORIGIN a b\n$ORIGIN a..b\n",
			"z:4: $ORIGIN needs exactly one name\n"
			"z:5: $ORIGIN needs exactly one name\n"
			"z:6: $ORIGIN 'a..b' has an empty label (two dots in a row, "
			"or one in front)\n"},
		{"$INCLUDE",
			"$INCLUDE\n$INCLUDE a b c\n$INCLUDE /nonexistent/x\n$INCLUDE /tmp\n"
			"$INCLUDE \"\"\n",
			"z:4: $INCLUDE needs a file, and may have an origin after it\n"
			"z:5: $INCLUDE needs a file, and may have an origin after it\n"
			"z:6: $INCLUDE /nonexistent/x: No such file or directory\n"
			"z:7: $INCLUDE /tmp: it is a folder\n"
			"z:8: $INCLUDE: that is not a file's name\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void names_of_more_than_255_octets_are_refused(void **state)
{
	struct fixture *f = *state;
	char name[300] = "";
	char text[2048];

	/* 4 x 60 octets fit by themselves, and do not with 17 more of the origin */
	for (int i = 0; i < 4; i++)
		strcat(name, "a23456789b123456789c123456789d123456789e123456789f123456789.");
	name[strlen(name) - 1] = '\0';
	snprintf(text, sizeof(text), "%s TXT x\nb CNAME %s\nb CNAME %s.\n$ORIGIN %s\n", name,
		name, name, name);
	body_read(f, text);

	assert_non_null(strstr(f->t.said, "z:4: owner 'a234"));
	assert_non_null(
		strstr(f->t.said, "is longer than 255 octets with the origin\nz:5: CNAME"));
	assert_null(strstr(f->t.said, "z:6"));
	assert_non_null(strstr(f->t.said, "z:7: $ORIGIN"));
}

static void strings_have_255_octets_at_most(void **state)
{
	struct fixture *f = *state;
	char text[1024];

	snprintf(text, sizeof(text), "a TXT \"%0255d\"\n", 0);
	body_read(f, text);
	assert_string_equal(f->t.said, "");

	snprintf(text, sizeof(text), "a TXT \"%0256d\"\n", 0);
	body_read(f, text);
	assert_non_null(strstr(
		f->t.said, "is longer than 255 octets: split it into several \"strings\"\n"));
}

static void lines_have_65536_octets_at_most(void **state)
{
	struct fixture *f = *state;
	static char text[200000];
	size_t len = (size_t)sprintf(text, "%sa TXT", ZONETEXT_HEAD);

	while (len < 64000)
		len += (size_t)sprintf(text + len, " \"%0250d\"", 0);
	zonetext_read(&f->t, text);
	assert_string_equal(f->t.said, "");

	while (len < 67000)
		len += (size_t)sprintf(text + len, " \"%0250d\"", 0);
	sprintf(text + len, "\nb A x\n");
	zonetext_read(&f->t, text);
	assert_string_equal(f->t.said, "z:4: the record is longer than 65536 octets\n"
				       "z:5: A: 'x' is not an IPv4 address\n");

	/* many words, none of which has an octet */
	len = (size_t)sprintf(text, "%sa TXT ", ZONETEXT_HEAD);
	for (int i = 0; i < 70000 - 3; i++)
		len += (size_t)sprintf(text + len, "\"\"");
	zonetext_read(&f->t, text);
	assert_string_equal(f->t.said, "z:4: the record has more than 65536 words\n");
}

static void nul_octets_are_refused(void **state)
{
	static const char text[] = ZONETEXT_HEAD
		"a TXT x\0y\nb TXT \"\0\"\nc TXT \\\0\nd TXT x\n";
	struct fixture *f = *state;

	zonetext_read_octets(&f->t, text, sizeof(text) - 1);
	assert_string_equal(f->t.said,
		"z:4: there is a NUL octet in the line; is this a text file?\n"
		"z:5: there is a NUL octet in the line; is this a text file?\n"
		"z:6: there is a NUL octet in the line; is this a text file?\n");
}

static void byte_order_mark_is_skipped(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, "\xef\xbb\xbf" ZONETEXT_HEAD);
	assert_string_equal(f->t.said, "");
}

static void ttl_without_default_is_the_last_one_given(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, "@ 30 SOA ns.example.net. h.example.net. 1 2 3 4 5\n"
			     "  NS ns.example.net.\na 7 TXT x\nb TXT x\n");
	assert_string_equal(f->t.said, "z:2: warning: no $TTL came before, so records without "
				       "a TTL take the last one "
				       "that was given: here 30 s, of line 1\n");
	char *dump = body_dump(f->t.zone);
	assert_string_equal(dump, "a." W " 7 TXT \"x\"\nb." W " 7 TXT \"x\"\n");
	free(dump);
}

static void soa_without_ttl_takes_its_minimum(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, "@ SOA ns.example.net. h.example.net. 1 2 3 4 5\n"
			     "  NS ns.example.net.\n");
	assert_string_equal(f->t.said, "z:1: warning: no $TTL came before, so records without "
				       "a TTL take the last one "
				       "that was given: here 5 s, of line 1\n");
	assert_int_equal(zone_soa(f->t.zone)->ttl_s, 5);
}

static void record_without_any_ttl_is_an_error(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, "@ NS ns.example.net.\n"
			     "@ 5 SOA ns.example.net. h.example.net. 1 2 3 4 5\n");
	assert_string_equal(f->t.said, "z:1: the record has no TTL, and neither a $TTL nor a "
				       "TTL came before: put \"$TTL "
				       "1h\" at the top of the file\n");
}

static void included_file_is_found_beside_the_including_one(void **state)
{
	struct fixture *f = *state;
	write_file(f, "main", ZONETEXT_HEAD "$INCLUDE sub/one\n");
	write_file(f, "sub/one", "a TXT x\n$INCLUDE two\n");
	write_file(f, "sub/two", "b TXT x\n");

	read_file(f, "main");

	assert_string_equal(f->t.said, "");
	char *dump = body_dump(f->t.zone);
	assert_string_equal(dump, "a." W " 60 TXT \"x\"\nb." W " 60 TXT \"x\"\n");
	free(dump);
	assert_int_equal(f->t.zone->n_files, 3);
}

static void origin_and_owner_are_restored_after_an_include(void **state)
{
	struct fixture *f = *state;
	write_file(f, "main",
		ZONETEXT_HEAD "a TXT x\n"
			      "$INCLUDE \"part one\" sub\n"
			      "  TXT y\n"
			      "c TXT x\n");
	write_file(f, "part one", "b TXT x\n$ORIGIN deeper\n@ TXT x\n");

	read_file(f, "main");

	assert_string_equal(f->t.said, "");
	char *dump = body_dump(f->t.zone);
	assert_string_equal(dump,
		"a." W " 60 TXT \"x\"\na." W " 60 TXT \"y\"\nc." W " 60 TXT \"x\"\nb.sub." W
		" 60 TXT \"x\"\ndeeper.sub." W " 60 TXT \"x\"\n");
	free(dump);
}

static void mistakes_in_included_files_name_them(void **state)
{
	struct fixture *f = *state;
	write_file(f, "main", ZONETEXT_HEAD "$INCLUDE sub/one\n$INCLUDE two\na A x\n");
	write_file(f, "sub/one", "\n\nb A y\n");

	read_file(f, "main");

	assert_string_equal(said(f), "sub/one:3: A: 'y' is not an IPv4 address\n"
				     "main:5: $INCLUDE two: No such file or directory\n"
				     "main:6: A: 'x' is not an IPv4 address\n");
}

static void file_that_includes_itself_is_an_error(void **state)
{
	struct fixture *f = *state;
	write_file(f, "main", ZONETEXT_HEAD "$INCLUDE one\n");
	write_file(f, "one", "$INCLUDE main\n");

	read_file(f, "main");

	assert_string_equal(said(f), "one:1: $INCLUDE main: the file includes itself\n");
}

static void includes_go_eight_deep(void **state)
{
	struct fixture *f = *state;
	write_file(f, "main", ZONETEXT_HEAD "$INCLUDE 1\n");
	for (int i = 1; i <= 9; i++) {
		char name[16];
		char text[64];

		snprintf(name, sizeof(name), "%d", i);
		snprintf(text, sizeof(text), "$INCLUDE %d\n", i + 1);
		write_file(f, name, text);
	}

	read_file(f, "main");

	assert_string_equal(said(f), "8:1: $INCLUDE: files are included 8 deep, no deeper\n");
}

static void files_that_are_none_are_refused(void **state)
{
	struct fixture *f = *state;
	write_file(f, "x", "");

	read_file(f, "nothing");
	assert_string_equal(said(f),
		"nothing: cannot read the zone www.example.com: No such file or directory\n");
	assert_int_equal(f->t.err, -ENOENT);

	zonetext_read_file(&f->t, "www.example.com", "/dev/zero");
	assert_string_equal(f->t.said, "/dev/zero: cannot read the zone www.example.com: "
				       "it is a device, not a regular file\n");
}

static void includes_need_a_file_to_start_from(void **state)
{
	static const char text[] = ZONETEXT_HEAD "$INCLUDE x\n";
	struct fixture *f = *state;
	struct report report;
	struct zone *zone = NULL;

	report_init(&report);
	assert_int_equal(zonefile_parse(f->t.site, "www.example.com", NULL, text, strlen(text),
				 &report, &zone),
		-EINVAL);
	assert_int_equal(report.n_entries, 1);
	assert_string_equal(
		report.entries[0].text, "$INCLUDE: there is no file to start from");
	report_fini(&report);
}

static void many_mistakes_come_to_an_end(void **state)
{
	struct fixture *f = *state;
	static char text[40000];
	size_t len = 0;

	for (int i = 0; i < 2000; i++)
		len += (size_t)sprintf(text + len, "a ( A 1\n");
	zonetext_read(&f->t, text);
	assert_non_null(strstr(f->t.said, "z:1000: more than 1000 mistakes"));
	assert_null(strstr(f->t.said, "z:1001:"));
}

/* Warnings stop being shown, and never being errors. */
static void many_warnings_do_not_refuse_the_zone(void **state)
{
	struct fixture *f = *state;
	static char text[40000];
	size_t len = (size_t)sprintf(text, "%s", ZONETEXT_HEAD);

	for (int i = 0; i < 1500; i++)
		len += (size_t)sprintf(text + len, "\xc3\xa4%d A 192.0.2.1\n", i);
	zonetext_read(&f->t, text);
	assert_int_equal(f->t.err, 0);
	assert_non_null(strstr(f->t.said, "warning: more than 1000 warnings"));

	sprintf(text + len, "z A x\n");
	zonetext_read(&f->t, text);
	assert_int_equal(f->t.err, -EINVAL);
	assert_non_null(strstr(f->t.said, ": A: 'x' is not an IPv4 address\n"));
}

static void an_owner_that_ends_like_the_origin_lacks_a_dot(void **state)
{
	struct fixture *f = *state;

	zonetext_read(&f->t, ZONETEXT_HEAD "www-ns2.example.com A 192.0.2.1\n"
					   "www.EXAMPLE.com A 192.0.2.1\n"
					   "example.com.www A 192.0.2.1\n"
					   "xexample.com A 192.0.2.1\n"
					   "com A 192.0.2.1\n"
					   "b.example.com.www.example.com. A 192.0.2.1\n");
	assert_string_equal(f->t.said,
		"z:4: warning: owner 'www-ns2.example.com' means "
		"www-ns2.example.com.www.example.com. (is a final dot missing?)\n"
		"z:5: warning: owner 'www.EXAMPLE.com' means "
		"www.example.com.www.example.com. (is a final dot missing?)\n");

	zonetext_read(&f->t, ZONETEXT_HEAD "$ORIGIN com.\nexample.com A 192.0.2.1\n"
					   "$ORIGIN .\nwww.example.com A 192.0.2.1\n");
	assert_null(strstr(f->t.said, "final dot"));
}

static void every_example_zone_is_free_of_warnings(void **state)
{
	static const struct {
		const char *origin, *file;
	} zones[] = {
		{"www.example.com", "www.example.com.zone"},
		{"www.example.com", "www-below.example.com.zone"},
		{"mail.example.com", "mail.example.com.zone"},
		{"example.com", "example.com.zone"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N(zones); i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/zones/%s", MH_SOURCE_DIR, zones[i].file);
		zonetext_read_file(&f->t, zones[i].origin, path);
		assert_string_equal(f->t.said, "");
		assert_int_equal(f->t.err, 0);
		assert_int_equal(f->t.zone->serial, 2026112201);
	}
}

static void host_zone_is_as_in_the_example(void **state)
{
	struct fixture *f = *state;

	zonetext_read_file(
		&f->t, "www.example.com", MH_SOURCE_DIR "/zones/www.example.com.zone");

	char *dump = zonetext_dump(f->t.zone);
	assert_string_equal(dump,
		W " 10 SERVER 0\n" W " 86400 NS www-ns1.example.com.\n" W
		  " 86400 NS www-ns2.example.com.\n" W " 86400 SOA www-ns1.example.com. "
		  "hostmaster.example.com. 2026112201 28800 7200 864000 10\n"
		  "all." W " 10 SERVER 0 all\n"
		  "+www-ns1.example.com. 86400 UPLINK 0\n"
		  "+www-ns2.example.com. 86400 UPLINK 1\n");
	free(dump);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_are_joined),
		TEST(owner_ttl_and_class_are_read),
		TEST(every_type_is_read),
		TEST(pseudo_records_are_read),
		TEST(all_mistakes_are_found_in_one_run),
		TEST(mistakes_of_lines_are_named),
		TEST(mistakes_of_heads_are_named),
		TEST(mistakes_of_data_are_named),
		TEST(mistakes_of_pseudo_records_are_named),
		TEST(mistakes_of_directives_are_named),
		TEST(names_of_more_than_255_octets_are_refused),
		TEST(strings_have_255_octets_at_most),
		TEST(lines_have_65536_octets_at_most),
		TEST(nul_octets_are_refused),
		TEST(byte_order_mark_is_skipped),
		TEST(ttl_without_default_is_the_last_one_given),
		TEST(soa_without_ttl_takes_its_minimum),
		TEST(record_without_any_ttl_is_an_error),
		TEST(included_file_is_found_beside_the_including_one),
		TEST(origin_and_owner_are_restored_after_an_include),
		TEST(mistakes_in_included_files_name_them),
		TEST(file_that_includes_itself_is_an_error),
		TEST(includes_go_eight_deep),
		TEST(files_that_are_none_are_refused),
		TEST(includes_need_a_file_to_start_from),
		TEST(many_mistakes_come_to_an_end),
		TEST(many_warnings_do_not_refuse_the_zone),
		TEST(an_owner_that_ends_like_the_origin_lacks_a_dot),
		TEST(every_example_zone_is_free_of_warnings),
		TEST(host_zone_is_as_in_the_example),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
