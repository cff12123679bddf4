/* doctorgather.h - the parts of doctor_gather() that have files of their own */
#pragma once
#include "routed/doctor/doctor.h"

/* doctornft.c: base chains of other tables on the hooks forward and input. -EPERM without the
 * privilege to read; not logged. */
int doctornft_read(const struct site *site, struct doctor_facts *facts);

/* doctornetworkd.c: the settings below `root` ("" outside of tests); leaves `runs` as it is. */
void doctornetworkd_read(const char *root, struct doctor_networkd *networkd);

/* Does systemd-networkd run in our network namespace? */
bool doctornetworkd_runs(void);
