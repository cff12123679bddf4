/* doctorcheck.h - the checks of the doctor: one function per row of the table in doctor.c
 *
 * Each looks at checkup->site and checkup->facts, and reports what is wrong by doctor_problem()
 * followed by doctor_remedy(): once, several times, or not at all. What could not be read is
 * not wrong (doctorfacts.c says how that looks).
 */
#pragma once
#include "routed/doctor/doctor.h"

/* doctorlinks.c: interfaces, their subnets, gateways and routes */
void check_interfaces(struct doctor_checkup *checkup);
void check_ports(struct doctor_checkup *checkup);
void check_subnets(struct doctor_checkup *checkup);
void check_carrier_nat(struct doctor_checkup *checkup);
void check_defaults(struct doctor_checkup *checkup);
void check_main_routes(struct doctor_checkup *checkup);
void check_server_routes(struct doctor_checkup *checkup);

/* doctortargets.c: what the probe targets prove */
void check_near_targets(struct doctor_checkup *checkup);
void check_inside_targets(struct doctor_checkup *checkup);
void check_shared_target(struct doctor_checkup *checkup);

/* doctorfilter.c: chains of other programs that drop what we forward, and queries to dnsd */
void check_forward_filters(struct doctor_checkup *checkup);
void check_dns_filters(struct doctor_checkup *checkup);
void check_legacy_iptables(struct doctor_checkup *checkup);

/* doctorrules.c: routing rules of other programs, before ours and behind them */
void check_rules_before(struct doctor_checkup *checkup);
void check_rules_behind(struct doctor_checkup *checkup);

/* doctorsettings.c: the kernel, its settings, the clock, systemd-networkd */
void check_kernel(struct doctor_checkup *checkup);
void check_networkd(struct doctor_checkup *checkup);
void check_rp_filter(struct doctor_checkup *checkup);
void check_tcp_loose(struct doctor_checkup *checkup);
void check_conntrack_full(struct doctor_checkup *checkup);
void check_clock(struct doctor_checkup *checkup);
