/* site_cases.h - sites for test_site.c: good ones whole, and one line for each mistake
 *
 * A case's text follows `two_uplinks` (three lines) unless it is the whole file. `expected` is
 * what is said, line by line, but for the warnings that nothing acts on a key yet.
 */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "tests/lib/reports.h"

static const char reference_site[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    gateway: 192.168.2.6\n"
	"    probes:\n"
	"      - icmp 192.0.2.53\n"
	"      - tcp 192.0.2.80 443\n"
	"  - name: isp-b\n"
	"    interface: wan-b\n"
	"    gateway: 172.16.1.2\n"
	"    probes: [icmp 192.0.2.54, dns 192.0.2.53]\n"
	"lan: [lan0]\n"
	"servers:\n"
	"  - name: web\n"
	"    address: 10.0.0.10\n"
	"    loopbacks:\n"
	"      isp-a: 10.0.1.1\n"
	"      isp-b: 10.0.1.5\n"
	"    ports: [80/tcp, 443/tcp+udp, \"8443:443/tcp\", 5060-5070/udp]\n"
	"dns:\n"
	"  inside: 53\n"
	"  zones:\n"
	"    - name: www.example.com\n"
	"      file: www.example.com.zone\n";

static const char every_key_site[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    gateway: 192.168.2.6\n"
	"    gateway6: fe80::1\n"
	"    address: [192.168.2.1, \"2001:db8:a::1\"]\n"
	"    public: 192.0.2.1\n"
	"    inbound: false\n"
	"    probes:\n"
	"      - icmp gateway\n"
	"      - dns 192.0.2.53 example.com\n"
	"    quorum: 2\n"
	"    weight: 3\n"
	"    failback: manual\n"
	"    probing: {interval: 200ms, degraded: {loss: 2.5%}}\n"
	"    mss: 1400\n"
	"    nat6: all\n"
	"    prefixes6: 2001:db8:a:100::/56\n"
	"  - {name: isp-b, interface: wan-b}\n"
	"lan: [lan0, lan1]\n"
	"servers:\n"
	"  - name: web\n"
	"    address: [10.0.0.10, \"fd00::10\"]\n"
	"    loopbacks:\n"
	"      isp-b: [10.0.1.5, \"fd00::105\"]\n"
	"    ports: [443/tcp]\n"
	"    udp: loopback\n"
	"    uplinks: [isp-b]\n"
	"    from: [192.0.2.0/24, \"2001:db8::/32\"]\n"
	"    via: 10.0.0.254\n"
	"    route: no\n"
	"    check: tcp 443\n"
	"routing:\n"
	"  mode: balance\n"
	"  sticky: client\n"
	"  failback: 1m\n"
	"  flush-after: 0s\n"
	"  last-resort: drop\n"
	"  policies:\n"
	"    - {from: 10.0.0.10, to: 0.0.0.0/0, port: 25/tcp, via: [isp-b, isp-a], "
	"else: default}\n"
	"  guard: no\n"
	"  open: 192.0.2.128/25\n"
	"  no-nat: [10.9.0.0/16]\n"
	"  notify: /usr/local/sbin/notify\n"
	"  mark: 0xf0000\n"
	"  tables: 100\n"
	"  priority: 500\n"
	"  default-priority: 6000\n"
	"probing:\n"
	"  interval: 1s\n"
	"  suspect: 200ms\n"
	"  timeout: 2s\n"
	"  fall: 3\n"
	"  rise: 4\n"
	"  degraded: {loss: 5%, rtt: 300ms}\n"
	"dns:\n"
	"  port: 5353\n"
	"  inside: 54\n"
	"  threads: 2\n"
	"  when-degraded: move\n"
	"  serial: unixtime\n"
	"  nsid: router 1\n"
	"  metrics: \"[::1]:9153\"\n"
	"  querylog: /var/log/queries\n"
	"  rate: {per-second: 10, slip: 0}\n"
	"  zones:\n"
	"    # a comment\n"
	"    - name: WWW.example.com.\n"
	"      file: www.zone\n"
	"      parent: {server: 192.0.2.9, key: /etc/keys/parent, ttl: 2m}\n";

static const char two_uplinks[] = "uplinks:\n"
				  "- {name: isp-a, interface: wan-a}\n"
				  "- {name: isp-b, interface: wan-b}\n";

struct site_case {
	const char *text;
	const char *expected;
	enum { ADDED, WHOLE_FILE } kind;
};

#define UPLINK(keys)   "uplinks:\n- name: isp-a\n  interface: wan-a\n  " keys "\n"
#define SERVER(keys)   "servers:\n- name: web\n  address: 10.0.0.10\n  " keys "\n"
#define AT(line, what) "site.yaml:" #line ": " what "\n"

static const struct site_case site_cases[] = {
	/* form */
	{"", AT(1, "is empty: at least one uplink has to be described"), WHOLE_FILE},
	{"# nothing\n", AT(1, "is empty: at least one uplink has to be described"),
		WHOLE_FILE},
	{"---\n", AT(1, "is empty: at least one uplink has to be described"), WHOLE_FILE},
	{"- a\n", AT(1, "must be a mapping (key: value), but is a list"), WHOLE_FILE},
	{"lan: [lan0]\n", AT(1, "the key 'uplinks' is missing"), WHOLE_FILE},
	{"lan: [lan0]\n---\na: b\n",
		AT(5, "a second document begins here: everything belongs into one"), ADDED},
	{"lan: &l [lan0]\nservers: *l\ndns: *l\n",
		AT(5, "aliases (*name) are not supported: write the value again")
			AT(6, "aliases (*name) are not supported: write the value again"),
		ADDED},
	{"lan: &l [*l]\n", AT(4, "aliases (*name) are not supported: write the value again"),
		ADDED},
	{"lan: !!seq [lan0]\n",
		AT(4, "tags (!...) have no meaning here: write the plain value"), ADDED},
	{"lan:\n\t- lan0\n",
		AT(5, "YAML syntax: found character that cannot start any token, "
		      "while scanning for the next token (the line is indented "
		      "by a tab: use spaces)"),
		ADDED},
	{"lan: [lan0\n",
		AT(5, "YAML syntax: did not find expected ',' or ']', while parsing a flow "
		      "sequence that begins in line 4"),
		ADDED},

	/* keys */
	{"lans: [lan0]\nzzz: 1\n",
		AT(4, "lans: unknown key (did you mean 'lan'?)") AT(5, "zzz: unknown key"),
		ADDED},
	{"lan: [a]\nlan: [b]\n", AT(5, "lan: this key is given twice"), ADDED},
	{"\"lan\\0\": [a]\n", AT(4, "lan: unknown key (did you mean 'lan'?)"), ADDED},
	{"\"x\\e[31m\": [a]\n", AT(4, "x?[31m: unknown key"), ADDED},
	{"? [a]\n: b\n", AT(4, "?: a key must be one word"), ADDED},
	{"uplinks:\n- name: isp-a\n  interfaec: eth0\n",
		AT(2, "uplinks[0]: the key 'interface' is missing")
			AT(3, "uplinks[0].interfaec: unknown key (did you mean 'interface'?)"),
		WHOLE_FILE},
	{"routing:\n  flush_after: 1s\n",
		AT(5, "routing.flush_after: unknown key (did you mean 'flush-after'?)"),
		ADDED},
	{"dns:\n  zones:\n  - name: a.example\n",
		AT(6, "dns.zones[0]: the key 'file' is missing"), ADDED},

	/* types */
	{"lan: lan0\n",
		AT(4, "lan: must be a list ([a, b], or lines that begin with '-'), "
		      "but is one value"),
		ADDED},
	{"lan:\nservers:\n- web\n",
		AT(4, "lan: must be a list ([a, b], "
		      "or lines that begin with '-'), but is empty")
			AT(6, "servers[0]: must be a mapping (key: value), but is one value"),
		ADDED},
	{"uplinks: []\n", AT(1, "uplinks: is empty: at least one uplink is needed"),
		WHOLE_FILE},
	{UPLINK("gateway: [[192.0.2.1]]"),
		AT(4, "uplinks[0].gateway[0]: must be one value, not a list"), WHOLE_FILE},
	{UPLINK("gateway:"),
		AT(4, "uplinks[0].gateway: has no value: give one, or leave the key out"),
		WHOLE_FILE},
	{UPLINK("gateway: ~"),
		AT(4, "uplinks[0].gateway: has no value: give one, or leave the key out"),
		WHOLE_FILE},
	{UPLINK("inbound: Yes"), AT(4, "uplinks[0].inbound: 'Yes' is neither yes nor no"),
		WHOLE_FILE},
	{UPLINK("inbound: on"), AT(4, "uplinks[0].inbound: 'on' is neither yes nor no"),
		WHOLE_FILE},
	{UPLINK("inbound: 'no'"), AT(4, "uplinks[0].inbound: 'no' must stand without quotes"),
		WHOLE_FILE},
	{UPLINK("weight: 010"),
		AT(4, "uplinks[0].weight: '010' is not a number from 0 to 256"), WHOLE_FILE},
	{UPLINK("weight: 0x1"),
		AT(4, "uplinks[0].weight: '0x1' is not a number from 0 to 256"), WHOLE_FILE},
	{UPLINK("weight: 257"),
		AT(4, "uplinks[0].weight: '257' is not a number from 0 to 256"), WHOLE_FILE},
	{UPLINK("weight: -1"), AT(4, "uplinks[0].weight: '-1' is not a number from 0 to 256"),
		WHOLE_FILE},
	{UPLINK("nat6: ulla"),
		AT(4, "uplinks[0].nat6: 'ulla' is not one of ula|all|no (did you mean 'ula'?)"),
		WHOLE_FILE},
	{UPLINK("mss: 100"),
		AT(4, "uplinks[0].mss: '100' is neither auto nor no nor "
		      "a number from 536 to 65495"),
		WHOLE_FILE},
	{UPLINK("failback: \"1\\t0s\""),
		AT(4, "uplinks[0].failback: holds a control character or a line break"),
		WHOLE_FILE},
	{"routing: {failback: 10, flush-after: 3 s, mark: 0xfg}\n",
		AT(4, "routing.failback: '10' lacks its unit, as in 200ms, 10s or 5m") AT(
			4, "routing.flush-after: '3 s' is not a time such as 200ms, 10s or 5m")
			AT(4, "routing.mark: '0xfg' is not a 32-bit mask, such as 0xff00"),
		ADDED},
	{"probing: {interval: 1ms, timeout: 2h, fall: 31, degraded: {loss: 10, rtt: 0s}}\n",
		AT(4, "probing.interval: '1ms' is not between 10ms and 1h")
			AT(4, "probing.timeout: '2h' is not between 10ms and 1m") AT(
				4, "probing.fall: '31' is not a number from 1 to 30") AT(4,
				"probing.degraded.loss: '10' is not a share from "
				"0% to 100%, such as 10%")
				AT(4, "probing.degraded.rtt: '0s' is not between 1ms and 1m"),
		ADDED},
	{"routing: {notify: notify.sh}\n",
		AT(4, "routing.notify: 'notify.sh' is not the whole path "
		      "of a program (it begins with /)"),
		ADDED},
	{"dns: {port: 0, inside: yes, threads: 0, metrics: 9153, rate: on}\n",
		AT(4, "dns.port: '0' is not a port from 1 to 65535") AT(
			4, "dns.inside: 'yes' is neither no nor a port from 1 to 65535")
			AT(4, "dns.threads: '0' is neither auto nor a number from 1 to 64")
				AT(4, "dns.metrics: '9153' is neither no nor ADDR:PORT, "
				      "such as 127.0.0.1:9153")
					AT(4, "dns.rate: 'on' is neither yes nor no"),
		ADDED},
	{"dns:\n  zones:\n  - {name: a..b, file: x}\n  - {name: ., file: y}\n",
		AT(6, "dns.zones[0].name: 'a..b' is not a domain name")
			AT(7, "dns.zones[1].name: '.' is not a domain name"),
		ADDED},

	{"dns:\n  zones:\n  - {name: a.example, file: x, parent: {server: "
	 "192.0.2.300, key: k}}\n"
	 "  - {name: b.example, file: x, parent: {server: \"ns:0\", key: k}}\n"
	 "  - {name: c.example, file: x, parent: {server: 2001:db8::1:53x, key: k}}\n",
		AT(6, "dns.zones[0].parent.server: '192.0.2.300' is neither "
		      "an address nor the name of a server, with or without :PORT") AT(7,
			"dns.zones[1].parent.server: 'ns:0' is neither an address nor the "
			"name of a server, with or without :PORT") AT(8,
			"dns.zones[2].parent.server: '2001:db8::1:53x' is neither an address "
			"nor the name of a server, with or without :PORT"),
		ADDED},

	/* names, addresses, prefixes */
	{"uplinks:\n- {name: isp a, interface: eth0/1}\n"
	 "- {name: 2345678901234567890123456789012x, interface: 1234567890123456}\n",
		AT(2, "uplinks[0].name: 'isp a' is not a name: "
		      "at most 31 letters, digits, '-' and '_', the first a letter or digit") AT(2,
			"uplinks[0].interface: 'eth0/1' is not an interface "
			"name (1 to 15 of A-Z a-z 0-9 . _ : @ -)") AT(3,
			"uplinks[1].name: '2345678901234567890123456789012x' is not a name: "
			"at most 31 letters, digits, '-' and '_', the first a letter or digit")
			AT(3, "uplinks[1].interface: '1234567890123456' "
			      "is not an interface name (1 to 15 of A-Z a-z 0-9 . _ : @ -)"),
		WHOLE_FILE},
	{UPLINK("gateway: 2001:db8::1\n  gateway6: 192.0.2.1"),
		AT(4, "uplinks[0].gateway: 2001:db8::1 is an IPv6 address: "
		      "this key takes the other family")
			AT(5, "uplinks[0].gateway6: 192.0.2.1 is an IPv4 address: "
			      "this key takes the other family"),
		WHOLE_FILE},
	{UPLINK("public: [192.0.2.1, 192.0.2.2, \"::\", 224.0.0.1, 192.0.2.0/24]"),
		AT(4, "uplinks[0].public[1]: 192.0.2.2 is a second IPv4 address: one of each "
		      "family at most") AT(4,
			"uplinks[0].public[2]: :: is the unspecified address") AT(4,
			"uplinks[0].public[3]: 224.0.0.1 is a multicast or broadcast address")
			AT(4, "uplinks[0].public[4]: '192.0.2.0/24' is not "
			      "an IP address (no prefix length here)"),
		WHOLE_FILE},
	{UPLINK("address: [192.168.2.1/29, any, 0.0.0.0/0, 10.0.0.0/8, 10.1.0.0/16]"),
		AT(4, "uplinks[0].address[0]: 192.168.2.1/29 has bits set beyond its length "
		      "(did you mean 192.168.2.0/29?)") AT(4,
			"uplinks[0].address[1]: 'any' is not an address or prefix") AT(4,
			"uplinks[0].address[2]: 0.0.0.0/0 holds every address: "
			"leave the key out instead") AT(4,
			"uplinks[0].address[4]: 10.1.0.0/16 is a second IPv4 address: one of "
			"each family at most"),
		WHOLE_FILE},
	{SERVER("from: [10.0.0.1/24, \"2001:db8::1/32\", 10.0.0.0/33, any]"),
		AT(7, "servers[0].from[0]: 10.0.0.1/24 has bits set beyond "
		      "its length (did you mean 10.0.0.0/24?)") AT(7,
			"servers[0].from[1]: 2001:db8::1/32 has bits "
			"set beyond its length (did you mean 2001:db8::/32?)")
			AT(7, "servers[0].from[2]: '10.0.0.0/33' is not an address or prefix")
				AT(7, "servers[0].from[3]: 'any' is not an address or prefix"),
		ADDED},
	{SERVER("from: []"),
		AT(7, "servers[0].from: is an empty list: leave the key out instead"), ADDED},
	{UPLINK("prefixes6: 10.0.0.0/8"),
		AT(4, "uplinks[0].prefixes6: 10.0.0.0/8 is IPv4: "
		      "this key takes IPv6 prefixes"),
		WHOLE_FILE},

	/* probes and ports */
	{UPLINK("probes: [ping 192.0.2.1, icmp, icmp host.example, tcp 192.0.2.1, "
		"tcp 192.0.2.1 0, dns 192.0.2.1 a..b, icmp 0.0.0.0, dns 192.0.2.1 a b]"),
		AT(4, "uplinks[0].probes[0]: 'ping 192.0.2.1' should read 'icmp ADDR', "
		      "'tcp ADDR PORT' or 'dns ADDR [NAME]'") AT(4,
			"uplinks[0].probes[1]: 'icmp' should read 'icmp ADDR' "
			"or 'icmp gateway'") AT(4, "uplinks[0].probes[2]: 'icmp host.example' "
						   "does not name its target by address") AT(4,
			"uplinks[0].probes[3]: 'tcp 192.0.2.1' should read 'tcp ADDR PORT'")
			AT(4, "uplinks[0].probes[4]: 'tcp 192.0.2.1 0' "
			      "does not end in a port from 1 to 65535")
				AT(4, "uplinks[0].probes[5]: 'dns 192.0.2.1 a..b' does "
				      "not ask for a domain name")
					AT(4, "uplinks[0].probes[6]: 'icmp 0.0.0.0' "
					      "has a target that cannot answer")
						AT(4, "uplinks[0].probes[7]: 'dns 192.0.2.1 "
						      "a b' should read 'icmp ADDR', 'tcp "
						      "ADDR PORT' or 'dns ADDR [NAME]'"),
		WHOLE_FILE},
	{SERVER("ports: [80, 80/sctp, 0/tcp, 65536/tcp, 9-8/tcp, \"1-2:3-5/tcp\", "
		"\"1:2:3/tcp\", 80/, \"5060-5070:6060/udp\", 080/tcp]"),
		AT(7, "servers[0].ports[0]: '80' lacks its protocol, as in 443/tcp") AT(7,
			"servers[0].ports[1]: '80/sctp' does not end in a protocol: "
			"tcp, udp or tcp+udp") AT(7,
			"servers[0].ports[2]: '0/tcp' is not a port from 1 to 65535") AT(7,
			"servers[0].ports[3]: '65536/tcp' is not a port from 1 to 65535") AT(7,
			"servers[0].ports[4]: '9-8/tcp' is a range that runs backwards") AT(7,
			"servers[0].ports[5]: '1-2:3-5/tcp' maps a range "
			"to one of another length") AT(7,
			"servers[0].ports[6]: '1:2:3/tcp' is not a port from 1 to 65535") AT(7,
			"servers[0].ports[7]: '80/' does not end in a protocol: "
			"tcp, udp or tcp+udp") AT(7,
			"servers[0].ports[8]: '5060-5070:6060/udp' "
			"maps a range to one of another length")
			AT(7, "servers[0].ports[9]: '080/tcp' is not a port from 1 to 65535"),
		ADDED},
	{SERVER("check: http 80"), AT(7, "servers[0].check: 'http 80' should read 'tcp PORT'"),
		ADDED},
	{"routing: {policies: [{via: [isp-a], port: \"25:26/tcp\"}]}\n",
		AT(4, "routing.policies[0].port: '25:26/tcp' names an inside port: a policy "
		      "forwards nothing"),
		ADDED},

	/* what refers to an uplink */
	{SERVER("uplinks: [isp-c, isp-a, isp-a]\n  loopbacks: {nowhere: 10.0.1.1}"),
		AT(7, "servers[0].uplinks[0]: there is no uplink 'isp-c' "
		      "(did you mean 'isp-a'?)")
			AT(7, "servers[0].uplinks[2]: uplink 'isp-a' is listed twice") AT(8,
				"servers[0].loopbacks.nowhere: there is no uplink 'nowhere'")
				AT(8, "warning: servers[0].loopbacks: there is none for "
				      "'isp-a': what comes in "
				      "there returns by the connection's mark"),
		ADDED},
	{SERVER("uplinks: []"),
		AT(7, "servers[0].uplinks: must be a list of uplinks, as in [isp-a]"), ADDED},
	{"routing: {policies: [{via: [isp-x], from: 10.0.0.0/8}, {to: 10.0.0.0/8}]}\n",
		AT(4, "routing.policies[0].via[0]: there is no uplink "
		      "'isp-x' (did you mean 'isp-a'?)")
			AT(4, "routing.policies[1]: the key 'via' is missing"),
		ADDED},

	/* uplinks together */
	{"uplinks:\n- {name: all, interface: a}\n- {name: receiving, interface: a}\n"
	 "- {name: x, interface: b}\n- {name: X, interface: c}\n",
		AT(2, "uplinks[0].name: 'all' has a meaning of its own in zone files: "
		      "choose another name") AT(3,
			"uplinks[1].name: 'receiving' has a meaning of its own in zone files: "
			"choose another name") AT(3, "uplinks[1].interface: 'a' is already "
						     "the interface of uplinks[0]: each "
						     "uplink needs its own")
			AT(5, "uplinks[3].name: 'X' is already the name of uplinks[2]"),
		WHOLE_FILE},
	{"lan: [lan0, wan-b, lan0]\n",
		AT(4, "lan[1]: 'wan-b' is the interface of uplinks[1]: "
		      "it cannot be both inside and outside")
			AT(4, "lan[2]: 'lan0' is listed twice"),
		ADDED},
	{UPLINK("address: 192.168.2.1\n  gateway: 192.168.2.1\n- {name: isp-b, interface: w,\n"
		"  address: 192.168.2.1}"),
		AT(5, "uplinks[0].gateway: 192.168.2.1 is the uplink's own address")
			AT(7, "uplinks[1].address: 192.168.2.1 is already "
			      "the address of uplinks[0]"),
		WHOLE_FILE},
	{UPLINK("public: 192.0.2.1\n- {name: isp-b, interface: w, public: 192.0.2.1}"),
		AT(5, "warning: uplinks[1].public: 192.0.2.1 is also the public address of "
		      "uplinks[0]: if they share one line, they fail together"),
		WHOLE_FILE},
	{UPLINK("address: 100.64.0.1\n- {name: b, interface: b, address: 100.127.1.1,\n"
		"   inbound: no}\n- {name: c, interface: c, address: 100.128.0.1}\n"
		"- {name: d, interface: d, public: 100.100.1.1}"),
		AT(4, "warning: uplinks[0].address: 100.64.0.1 is behind "
		      "the ISP's NAT (100.64.0.0/10), so nothing comes in: "
		      "set 'inbound: no', or 'public' if the ISP forwards an address to it")
			AT(8, "warning: uplinks[3].public: 100.100.1.1 "
			      "is an address within the ISP's own NAT (100.64.0.0/10), "
			      "which the Internet does not reach: set 'inbound: no'"),
		WHOLE_FILE},
	{UPLINK("quorum: 2\n  probes: [icmp 192.0.2.1]"),
		AT(4, "uplinks[0].quorum: 2 targets cannot live where there are 1 probes: the "
		      "uplink would never be up"),
		WHOLE_FILE},
	{UPLINK("probes: [icmp 192.0.2.1, tcp 192.0.2.1 80, icmp 192.0.2.1]"),
		AT(4, "uplinks[0].probes[2]: is the same as probes[0]: it would count twice"),
		WHOLE_FILE},
	{UPLINK("probes: [icmp 192.0.2.1]\n- {name: b, interface: b,\n"
		"   probes: [tcp 192.0.2.1 80, icmp gateway], quorum: 2}"),
		AT(4, "warning: uplinks[0].probes[0]: all uplinks hang on 192.0.2.1: "
		      "when that host fails, all of them count as down. Probe several hosts"),
		WHOLE_FILE},
	{UPLINK("probes: [icmp 192.0.2.1]\n- {name: b, interface: b,\n"
		"   probes: [tcp 192.0.2.1 80, icmp gateway]}"),
		"", WHOLE_FILE},
	{UPLINK("prefixes6: 2001:db8::/48\n- {name: b, interface: b,\n"
		"   prefixes6: [\"2001:db8:1::/48\", \"2001:db8:0:8::/64\"]}"),
		AT(6, "uplinks[1].prefixes6: 2001:db8:0:8::/64 overlaps 2001:db8::/48 of "
		      "uplinks[0]: one source, two ways out"),
		WHOLE_FILE},
	{UPLINK("failback: 20m"),
		AT(4, "warning: uplinks[0].failback: is longer than 10m, where the doubling "
		      "ends: it will not grow"),
		WHOLE_FILE},
	{"probing: {interval: 100ms, suspect: 200ms}\n",
		AT(4, "probing.suspect: 200ms is longer than the interval of 100ms: a suspect "
		      "target is probed more often, not less"),
		ADDED},
	{"probing: {timeout: 300ms}\n",
		AT(4, "warning: probing: no answer takes 500ms: it counts as lost after the "
		      "timeout of 300ms"),
		ADDED},

	/* servers together */
	{"servers:\n- {name: All, address: 10.0.0.1}\n- {name: web, address: 10.0.0.2}\n"
	 "- {name: Web, address: 10.0.0.2}\n",
		AT(5, "servers[0].name: 'All' has a meaning of its own in zone files: "
		      "choose another name")
			AT(7, "servers[2].name: 'Web' is already the name of servers[1]"),
		ADDED},
	{SERVER("loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.1}\n"
		"- {name: mail, address: 10.0.1.2, loopbacks: {isp-a: 10.0.1.1,\n"
		"   isp-b: 10.0.1.2}}"),
		AT(7, "servers[0].loopbacks.isp-b: 10.0.1.1 "
		      "is already servers[0].loopbacks.isp-a") AT(8,
			"servers[1].loopbacks.isp-a: 10.0.1.1 "
			"is already servers[0].loopbacks.isp-a") AT(9,
			"servers[1].loopbacks.isp-b: 10.0.1.2 is already servers[1].address"),
		ADDED},
	{UPLINK("gateway: 192.168.2.6\nservers:\n- name: web\n  address: 192.168.2.6"),
		AT(7, "servers[0].address: 192.168.2.6 is already uplinks[0].gateway"),
		WHOLE_FILE},
	{SERVER("loopbacks: {isp-a: [10.0.1.1, \"fd00::1\"], isp-b: 10.0.1.5}"),
		AT(7, "servers[0].loopbacks.isp-a: fd00::1 has no next hop: the server has no "
		      "address of that family"),
		ADDED},
	{"servers:\n- name: web\n  address: \"fe80::10\"\n"
	 "  loopbacks: {isp-a: \"::1\", isp-b: \"fd00::5\"}\n",
		AT(6, "servers[0].address: fe80::10 is link-local: "
		      "nothing can be forwarded to it") AT(7,
			"servers[0].loopbacks.isp-a: ::1 never leaves the host that uses "
			"it: choose a private address"),
		ADDED},
	{SERVER("loopbacks: {isp-a: 10.0.1.1, isp-a: 10.0.1.2}"),
		AT(7, "servers[0].loopbacks.isp-a: this key is given twice")
			AT(7, "warning: servers[0].loopbacks: there is none for 'isp-b': "
			      "what comes in there returns by the connection's mark"),
		ADDED},
	{SERVER("loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.5}\n  uplinks: [isp-b]"),
		AT(7, "warning: servers[0].loopbacks.isp-a: nothing is forwarded to it: "
		      "'isp-a' is not among the server's uplinks"),
		ADDED},
	{UPLINK("inbound: no\nservers:\n- name: web\n  address: 10.0.0.1\n  uplinks: [isp-a]"),
		AT(8, "servers[0].uplinks: 'isp-a' has 'inbound: no': "
		      "nothing can be forwarded there"),
		WHOLE_FILE},
	{UPLINK("inbound: no\nservers:\n- {name: web, address: 10.0.0.1, check: tcp 80}"),
		AT(6, "warning: servers[0].check: has no effect: "
		      "nothing is forwarded to the server"),
		WHOLE_FILE},
	{SERVER("udp: loopback\n  from: \"2001:db8::/32\""),
		AT(7, "warning: servers[0].udp: has no effect: the server has no loopbacks")
			AT(8, "warning: servers[0].from: lets nobody in: "
			      "no prefix is of the server's address family"),
		ADDED},

	/* forwards */
	{SERVER("ports: [443/tcp, 443/udp, 400-500/tcp, \"500:1/tcp+udp\"]\n"
		"- {name: b, address: 10.0.0.2, ports: [443/tcp+udp, 444/tcp]}"),
		AT(7, "servers[0].ports[2]: 400-500/tcp collides on uplink "
		      "'isp-a' with 443/tcp of servers[0].ports[0]")
			AT(8, "servers[1].ports[0]: 443/tcp+udp collides "
			      "on uplink 'isp-a' with 443/udp of servers[0].ports[1]"),
		ADDED},
	{SERVER("ports: [443/tcp]\n  uplinks: [isp-a]\n"
		"- {name: b, address: 10.0.0.2, ports: [443/tcp], uplinks: [isp-b]}\n"
		"- {name: c, address: \"fd00::2\", ports: [443/tcp], uplinks: [isp-b]}\n"
		"- {name: d, address: 10.0.0.3, ports: [443/tcp], uplinks: [isp-b]}"),
		AT(11, "servers[3].ports[0]: 443/tcp collides on uplink "
		       "'isp-b' with 443/tcp of servers[1].ports[0]"),
		ADDED},
	{SERVER("ports: [53/udp, 50-60/tcp, \"853:53/tcp\"]"),
		AT(7, "servers[0].ports[0]: 53/udp covers port 53, "
		      "where dnsd itself answers (dns.port)")
			AT(7, "servers[0].ports[1]: 50-60/tcp covers port 53, "
			      "where dnsd itself answers (dns.port)"),
		ADDED},
	{SERVER("ports: [5300/udp]\ndns: {port: 5300}"),
		AT(7, "servers[0].ports[0]: 5300/udp covers port 5300, "
		      "where dnsd itself answers (dns.port)"),
		ADDED},
	{SERVER("ports: [20-23/tcp, 22/udp, \"2222:22/tcp\"]"),
		AT(7, "warning: servers[0].ports[0]: 20-23/tcp covers port 22: "
		      "from outside, SSH then reaches the server and no longer this router"),
		ADDED},

	/* routing and dns together */
	{"routing: {mark: 0}\n",
		AT(4, "routing.mark: has no bit set: connections need a mark"), ADDED},
	{"routing: {mark: 0x50}\n",
		AT(4, "routing.mark: 0x50 has gaps: its bits must follow one another"), ADDED},
	{"routing: {mark: 0x30}\n",
		AT(4, "routing.mark: 0x30 has room for 4 values, and 2 uplinks need 5"),
		ADDED},
	{"routing: {mark: 0x70000000}\n", "", ADDED},
	{"routing: {mark: 4294967295}\n", "", ADDED},
	{"routing: {tables: 251}\n",
		AT(4, "routing.tables: 251 to 253 would take tables of the kernel "
		      "(253 default, 254 main, 255 local)"),
		ADDED},
	{"routing: {tables: 250}\n", "", ADDED},
	{"routing: {tables: 4294967294}\n",
		AT(4, "routing.tables: 4294967294 leaves no room for 3 tables below 2^32"),
		ADDED},
	{"routing: {priority: 31601}\n",
		AT(4, "routing.priority: our rules at 31601 to 32000 must end before "
		      "default-priority (32000)"),
		ADDED},
	{"routing: {priority: 31600}\n", "", ADDED},
	{"routing: {default-priority: 32765}\n",
		AT(4, "routing.default-priority: '32765' is not a number from 1 to 32764"),
		ADDED},
	{"routing: {policies: [{from: 10.0.0.0/8, to: \"::/0\", via: [isp-a]},\n"
	 "  {via: [isp-a]}, {to: 10.0.0.0/8, via: [isp-b]}]}\n",
		AT(4, "routing.policies[0]: never matches: "
		      "'from' and 'to' are of different families")
			AT(5, "warning: routing.policies[2]: is never reached: "
			      "policies[1] takes every connection"),
		ADDED},
	{"uplinks:\n- {name: a, interface: a, weight: 0}\nrouting: {mode: balance}\n",
		AT(3, "warning: routing.mode: there is nothing to balance: "
		      "every uplink has weight 0"),
		WHOLE_FILE},
	{"dns: {inside: 53}\n",
		AT(4, "dns.inside: there is no LAN address to listen on: name "
		      "the interfaces under 'lan'"),
		ADDED},
	{"dns:\n  zones:\n  - {name: a.example, file: x}\n  - {name: A.Example., file: x}\n",
		AT(7, "dns.zones[1].name: a.example is already dns.zones[0]"), ADDED},
	{UPLINK("inbound: no\ndns: {zones: [{name: a.example, file: x}]}"),
		AT(5, "warning: dns.zones: nobody can ask: "
		      "every uplink has 'inbound: no', and 'inside' is not set"),
		WHOLE_FILE},
	{NULL, NULL, ADDED},
};

/* What the report says, without the warnings that come and go as more gets built. */
static inline char *lines_without_idle(struct report *report)
{
	char *lines = report_lines(report);
	char *out = lines;

	for (char *line = lines; *line;) {
		char *end = strchr(line, '\n') + 1;
		size_t len = (size_t)(end - line);

		if (!memmem(line, len, "nothing acts on this key yet", 28)) {
			memmove(out, line, len);
			out += len;
		}
		line = end;
	}
	*out = '\0';
	return lines;
}
