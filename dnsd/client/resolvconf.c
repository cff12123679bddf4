/* resolvconf.c - the resolvers of this machine: the nameserver lines of resolv.conf(5)
 *
 * For finding the parent's servers. Read each time, since DHCP clients rewrite it. A
 * scope (fe80::1%lan0) is not understood, and such a line left out.
 */
#include "dnsd/client/resolvconf.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { RESOLVCONF_MAX_LEN = 1 << 20 };

static bool parse_line(const char *line, struct endpoint *ret_server)
{
	static const char keyword[] = "nameserver";
	char word[ADDR_STR_LEN];
	size_t len = sizeof(keyword) - 1;

	if (strncmp(line, keyword, len) != 0 || (line[len] != ' ' && line[len] != '\t'))
		return false;
	line += len + strspn(line + len, " \t");
	len = strcspn(line, " \t\r\n");
	if (len == 0 || len >= sizeof(word))
		return false;
	memcpy(word, line, len);
	word[len] = '\0';
	ret_server->port = 53;
	return addr_parse(word, &ret_server->addr) == 0;
}

size_t resolvconf_parse(const char *text, struct endpoint ret_servers[RESOLVCONF_MAX])
{
	size_t n = 0;

	while (*text && n < RESOLVCONF_MAX) {
		n += parse_line(text, &ret_servers[n]);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return n;
}

size_t resolvconf_read(const char *path, struct endpoint ret_servers[RESOLVCONF_MAX])
{
	const char *problem = NULL;
	struct file file = {0};
	size_t n = 0;

	if (file_read(path, RESOLVCONF_MAX_LEN, FILE_REGULAR, &file, &problem) == 0)
		n = resolvconf_parse(file.text, ret_servers);
	free(file.text);
	if (n == 0) {
		ret_servers[0].port = 53;
		addr_parse("127.0.0.1", &ret_servers[0].addr);
		n = 1;
	}
	return n;
}
