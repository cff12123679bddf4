/* verifytext.c - what `verify` found, as a table for people or as JSON for programs
 *
 * The table may change with each release; of the JSON, members are added and never renamed.
 */
#include <stdio.h>
#include <string.h>

#include "common/ctl/json.h"
#include "dnsd/verify/verify.h"

/* ---- for people ---- */

static void print_server(const struct verify_server *server)
{
	char at[ENDPOINT_STR_LEN];
	char name[NAME_STR_LEN];

	printf("  %-24s ", endpoint_str(&server->at, at));
	if (*server->name)
		printf("%s, ", name_str(server->name, name));
	if (server->has_serial)
		printf("serial %u of %s\n", server->serial, name_str(server->apex, name));
	else if (server->kind == VERIFY_NO_ROUTE)
		printf("not asked: no IPv6 here\n");
	else
		printf("%s\n", *server->problem ? server->problem : "tells no SOA");
}

static void print_head(const struct verify *verify)
{
	printf("%s, as its parent delegates it. Asked:\n", verify->zone);
	for (size_t i = 0; i < verify->n_servers; i++)
		print_server(&verify->servers[i]);
}

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

/* What a row's columns say; "" for nothing. */

static const char *row_address(const struct verify_row *row)
{
	return addr_is_set(&row->addr) ? addr_str(&row->addr) : "";
}

static const char *row_uplink(const struct verify_row *row)
{
	return row->live ? row->live->uplink : "";
}

static const char *row_view(const struct verify_row *row)
{
	return row->reach ? row->reach->view : "";
}

static const char *row_try(const struct verify_row *row, bool tcp)
{
	if (!row->reach)
		return "";
	return verify_try_str(tcp ? &row->reach->tcp : &row->reach->udp);
}

static void print_rows(const struct verify_result *result)
{
	if (result->n_rows == 0)
		return;
	printf("\n%-28s %-24s %-7s %-6s %-10s %-10s %-12s %-12s %s\n", "NAME SERVER",
		"ADDRESS", "PARENT", "TTL", "UPLINK", "VIEW", "UDP", "TCP", "VERDICT");
	for (size_t i = 0; i < result->n_rows; i++) {
		const struct verify_row *row = &result->rows[i];
		char name[NAME_STR_LEN];
		char ttl[16] = "-";

		if (row->record)
			snprintf(ttl, sizeof(ttl), "%u", row->record->ttl_s);
		printf("%-28s %-24s %-7s %-6s %-10s %-10s %-12s %-12s %s\n",
			name_str(row->name, name), or_dash(row_address(row)),
			row->record ? "yes" : "no", ttl, or_dash(row_uplink(row)),
			or_dash(row_view(row)), or_dash(row_try(row, false)),
			or_dash(row_try(row, true)), verify_verdict_str(row->verdict));
	}
}

static void print_findings(const struct verify_result *result)
{
	if (result->n_findings > 0)
		putchar('\n');
	for (size_t i = 0; i < result->n_findings; i++) {
		const struct verify_finding *finding = &result->findings[i];

		printf("%s: %s\n", finding->is_error ? "error" : "warning", finding->text);
		if (finding->remedy)
			printf("  remedy: %s\n", finding->remedy);
	}
}

void verify_print(const struct verify *verify, const struct verify_result *result)
{
	size_t n_warnings = result->n_findings - result->n_errors;

	print_head(verify);
	print_rows(result);
	print_findings(result);
	if (result->n_errors == 0 && n_warnings == 0)
		printf("\nall right\n");
	else
		printf("\n%s: %zu error%s, %zu warning%s\n",
			result->n_errors > 0 ? "wrong" : "all right", result->n_errors,
			result->n_errors == 1 ? "" : "s", n_warnings,
			n_warnings == 1 ? "" : "s");
}

/* ---- for programs ---- */

static const char *kind_str(enum verify_kind kind)
{
	static const char *const words[] = {
		[VERIFY_SILENT] = "no-answer",
		[VERIFY_NO_ROUTE] = "no-route",
		[VERIFY_DELEGATES] = "delegates",
		[VERIFY_NOTHING] = "no-delegation",
		[VERIFY_DATA] = "data",
		[VERIFY_IS_ZONE] = "has-the-zone",
		[VERIFY_LAME] = "lame",
	};

	return words[kind];
}

static json_t *json_server(const struct verify_server *server)
{
	char text[NAME_STR_LEN];
	json_t *ns = json_array();

	for (size_t i = 0; i < server->n_ns; i++)
		json_array_append_new(ns, json_string(name_str(server->ns[i], text)));
	json_t *object = json_pack("{s:s, s:i, s:s, s:o, s:o, s:b}", "address",
		addr_str(&server->at.addr), "port", (int)server->at.port, "says",
		kind_str(server->kind), "problem", json_string_or_null(server->problem), "ns",
		ns, "ds", (int)server->has_ds);
	json_object_set_new(object, "serial",
		server->has_serial ? json_integer(server->serial) : json_null());
	json_object_set_new(object, "parent",
		server->has_serial ? json_string(name_str(server->apex, text)) : json_null());
	return object;
}

static json_t *json_row(const struct verify_row *row)
{
	char name[NAME_STR_LEN];
	json_t *object = json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:s}", "name",
		name_str(row->name, name), "address", json_string_or_null(row_address(row)),
		"at_parent", (int)(row->record != NULL), "uplink",
		json_string_or_null(row_uplink(row)), "view",
		json_string_or_null(row_view(row)), "udp",
		json_string_or_null(row_try(row, false)), "tcp",
		json_string_or_null(row_try(row, true)), "verdict",
		verify_verdict_str(row->verdict));

	json_object_set_new(
		object, "ttl", row->record ? json_integer(row->record->ttl_s) : json_null());
	return object;
}

static json_t *json_finding(const struct verify_finding *finding)
{
	return json_pack("{s:s, s:s, s:o}", "severity",
		finding->is_error ? "error" : "warning", "text", finding->text, "remedy",
		json_string_or_null(finding->remedy));
}

json_t *verify_json(const struct verify *verify, const struct verify_result *result)
{
	json_t *servers = json_array();
	json_t *rows = json_array();
	json_t *findings = json_array();

	for (size_t i = 0; i < verify->n_servers; i++)
		json_array_append_new(servers, json_server(&verify->servers[i]));
	for (size_t i = 0; i < result->n_rows; i++)
		json_array_append_new(rows, json_row(&result->rows[i]));
	for (size_t i = 0; i < result->n_findings; i++)
		json_array_append_new(findings, json_finding(&result->findings[i]));
	return json_pack("{s:s, s:b, s:I, s:I, s:o, s:o, s:o}", "zone", verify->zone, "ok",
		(int)(result->n_errors == 0), "errors", (json_int_t)result->n_errors,
		"warnings", (json_int_t)(result->n_findings - result->n_errors), "servers",
		servers, "addresses", rows, "findings", findings);
}
