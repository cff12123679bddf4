/* resolvconf.h - the resolvers of this machine: the nameserver lines of resolv.conf(5) */
#pragma once
#include "dnsd/client/ask.h"

enum { RESOLVCONF_MAX = 3 /* as resolv.conf(5) has it */ };

#define RESOLVCONF_PATH "/etc/resolv.conf"

/* Pure. Their number; lines that cannot be read are left out. */
size_t resolvconf_parse(const char *text, struct endpoint ret_servers[RESOLVCONF_MAX]);

/* From the file; without one, or without a server in it, 127.0.0.1 as resolv.conf(5) says. */
size_t resolvconf_read(const char *path, struct endpoint ret_servers[RESOLVCONF_MAX]);
