/* doctorrun.c - the verb `doctor`, and the same in the log of `run`
 *
 *     problem: uplinks isp-a and isp-b are in one subnet, ...
 *     remedy:  give the LAN side of one modem another subnet, ...
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/log.h"
#include "common/site/report.h"
#include "common/site/siteload.h"
#include "routed/doctor/doctor.h"

#define UNREAD "nftables (needs root): chains of other programs are not checked"

static void print_text(const struct doctor_findings *findings, bool unread)
{
	for (size_t i = 0; i < findings->n; i++)
		printf("%sproblem: %s\nremedy:  %s\n", i ? "\n" : "",
			findings->items[i].problem, findings->items[i].remedy);
	if (findings->n == 0)
		puts("nothing found that breaks multi-homing here");
	if (unread)
		fputs("not read: " UNREAD "\n", stderr);
}

static int print_json(const struct doctor_findings *findings, bool unread)
{
	json_t *list = json_array();
	json_t *unchecked = json_array();

	for (size_t i = 0; i < findings->n; i++) {
		const struct doctor_finding *finding = &findings->items[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "check", finding->check, "problem",
				      finding->problem, "remedy", finding->remedy));
	}
	if (unread)
		json_array_append_new(unchecked, json_string(UNREAD));
	json_t *root = json_pack("{s:o, s:o}", "findings", list, "unchecked", unchecked);
	if (!root)
		return log_error(0, "doctor", "cannot build the answer");

	int err = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	return err;
}

void doctor_log(const struct site *site)
{
	struct doctor_facts facts;
	struct doctor_findings findings;

	doctor_gather(site, &facts);
	doctor_check(site, &facts, &findings);
	for (size_t i = 0; i < findings.n; i++)
		log_warning("doctor", "%s. Remedy: %s", findings.items[i].problem,
			findings.items[i].remedy);
	doctor_findings_fini(&findings);
	doctor_facts_fini(&facts);
}

int doctor_run(const struct cli *cli)
{
	struct doctor_facts facts;
	struct doctor_findings findings;
	struct site *site = NULL;
	struct report report;
	int err = 0;

	report_init(&report);
	if (site_read(cli->config, &report, &site) < 0) {
		report_print(&report, stderr);
		report_fini(&report);
		return EXIT_FAILED;
	}
	report_fini(&report);

	doctor_gather(site, &facts);
	doctor_check(site, &facts, &findings);
	if (cli->json)
		err = print_json(&findings, facts.nft_unread);
	else
		print_text(&findings, facts.nft_unread);
	int status = findings.n > 0 || err < 0 ? EXIT_FAILED : EXIT_DONE;

	doctor_findings_fini(&findings);
	doctor_facts_fini(&facts);
	site_free(site);
	return status;
}
