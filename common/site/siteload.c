/* siteload.c - reads site.yaml whole and checks it
 *
 * Both daemons call this at start, on reload and for `check`, so that all of them see the same
 * mistakes. The steps: octets (file.c, doc.c), keys and values (siteread.c, siteservices.c), what
 * several values say together (sitecheck.c). A site is handed out only if none of them found an
 * error; nothing here looks at the system.
 */
#include "common/site/siteload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/site/doc.h"
#include "common/site/sitecheck.h"
#include "common/site/siteread.h"

/* The folder of `path`: "." if it names none. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash > path ? (size_t)(slash - path) : 1);
}

static struct site *site_new(const char *path)
{
	AUTO(site_freep) struct site *site = calloc(1, sizeof(*site));

	if (!site)
		return NULL;
	site->path = strdup(path);
	site->dir = folder_of(path);
	if (!site->path || !site->dir)
		return NULL;
	return TAKE(site);
}

/* Like site_parse, but with -EINVAL too `*ret_site` is set if there was a document to read. */
static int site_parse_any(const char *path, const char *text, size_t len,
	struct report *report, struct site **ret_site)
{
	size_t n_errors_before = report->n_errors;
	struct doc doc;
	int err = doc_load(&doc, path, text, len, report);
	if (err < 0)
		return err;

	AUTO(site_freep) struct site *site = site_new(path);
	if (site) {
		site_read_keys(&doc, site);
		site_check(&doc, site);
	}
	if (!site || doc.out_of_memory)
		err = -ENOMEM;
	else if (report->n_errors > n_errors_before)
		err = -EINVAL;
	doc_free(&doc);
	if (err == 0 || err == -EINVAL)
		*ret_site = TAKE(site);
	return err;
}

int site_parse(const char *path, const char *text, size_t len, struct report *report,
	struct site **ret_site)
{
	AUTO(site_freep) struct site *site = NULL;
	int err = site_parse_any(path, text, len, report, &site);

	if (err == 0)
		*ret_site = TAKE(site);
	return err;
}

int site_read_any(const char *path, struct report *report, struct site **ret_site)
{
	const char *problem = NULL;
	struct file file;
	int err = file_read(path, DOC_MAX_LEN, FILE_REGULAR_OR_STREAM, &file, &problem);

	if (err == -EFBIG) {
		report_add(report, REPORT_ERROR, path, 0,
			"is larger than %d KiB: is it the right file?", DOC_MAX_LEN / 1024);
		return -EINVAL;
	}
	if (err < 0) {
		report_add(report, REPORT_ERROR, path, 0, "cannot be read: %s", problem);
		return err;
	}
	err = site_parse_any(path, file.text, file.len, report, ret_site);
	free(file.text);
	return err;
}

int site_check_rereadable(const char *path, struct report *report)
{
	if (!file_is_stream(path))
		return 0;
	report_add(report, REPORT_ERROR, path, 0,
		"cannot be read: it is a pipe, not a regular file; the daemon reads its "
		"configuration again at each reload");
	return -EINVAL;
}

int site_read(const char *path, struct report *report, struct site **ret_site)
{
	AUTO(site_freep) struct site *site = NULL;
	int err = site_read_any(path, report, &site);

	if (err == 0)
		*ret_site = TAKE(site);
	return err;
}
