/* fuzz_query.c - any octets as a query, over UDP and over TCP
 *
 * The first octet chooses transport and view, the rest is the message. One rich zone stands
 * behind it, so that an input can reach every end of the answer algorithm. What must hold for
 * any reply is in tests/lib/invariant.c; ldns reads each one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/lib/fixture.h"
#include "tests/lib/invariant.h"

enum { BY_TCP = 1, VIEW_B = 2, VIEW_INSIDE = 4 };

static const struct fixture_zone zones[] = {
	{"www.example.com",
		"$TTL 86400\n"
		"@ SOA www-ns1.example.com. hostmaster.example.com. 1 28800 7200 864000 10\n"
		"  NS  www-ns1.example.com.\n"
		"  NS  www-ns2.example.com.\n"
		"@ 10 SERVER web\n"
		"www-ns1.example.com. UPLINK isp-a\n"
		"www-ns2.example.com. UPLINK isp-b\n"
		"all  10 SERVER web all\n"
		"self 10 UPLINK receiving\n"
		"a.b.c.d.e.f 10 UPLINK all\n"},
	{"e", "$TTL 3600\n"
	      "@ SOA n h 1 7200 900 1209600 300\n"
	      "@ NS n\n"
	      "n A 192.0.2.1\n"
	      "n AAAA 2001:db8::1\n"
	      "*.w A 192.0.2.2\n"
	      "x.y.w TXT \"blocks\"\n"
	      "c CNAME d\n"
	      "d CNAME f.w\n"
	      "l CNAME m\n"
	      "m CNAME l\n"
	      "o CNAME www.example.com.\n"
	      "r DNAME w\n"
	      "s DNAME s\n"
	      "t DNAME u.u.u.u.t\n"
	      "v DNAME xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx."
	      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx."
	      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
	      "g NS n.g\n"
	      "g NS n\n"
	      "n.g A 192.0.2.3\n"
	      "n.g AAAA 2001:db8::3\n"
	      "g DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
	      "k NS n.k\n"
	      "n.k A 192.0.2.4\n"
	      "q MX 1 n\n"
	      "q SRV 1 2 3 n.g\n"
	      "q HTTPS 1 . alpn=h2\n"
	      "q CAA 0 issue \"ca\"\n"
	      "q TYPE65280 \\# 2 0102\n"
	      "z TXT \"01234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"11234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"21234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"31234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"41234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"51234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"61234567890123456789012345678901234567890123456789012345678901234567890\"\n"
	      "z TXT \"71234567890123456789012345678901234567890123456789012345678901234567890\"\n"},
	{"k.e", "$TTL 60\n"
		"@ SOA n h 1 7200 900 1209600 300\n"
		"@ NS n\n"
		"n A 192.0.2.4\n"
		"* A 192.0.2.5\n"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture *f;
	struct packet packet = {0};
	const char *view = "isp-a";
	const char *broken;

	if (!f) {
		f = fixture_new(zones, sizeof(zones) / sizeof(zones[0]));
		f->conf.nsid_len = 5;
		fixture_add_ipv6(f);
	}
	if (size < 1 || size - 1 > PACKET_MAX)
		return 0;
	if (data[0] & VIEW_B)
		view = "isp-b";
	if (data[0] & VIEW_INSIDE)
		view = "inside";

	packet_put(&packet, data + 1, size - 1);
	ask_packet(f, view, &packet, data[0] & BY_TCP);
	broken = invariant_broken(packet.bytes, packet.len, data[0] & BY_TCP, &f->reply);
	if (broken) {
		fprintf(stderr, "%s\n", broken);
		reply_print(&f->reply);
		abort();
	}
	return 0;
}
