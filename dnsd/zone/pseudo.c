/* pseudo.c - the pseudo records SERVER and UPLINK: their kinds and their text in a zone file
 *
 * Pure. Called by zonerecord.c for each line with such a word in the place of its type. A word
 * is a row of `mnemonics`. A kind is a row of `forms`, made of the list in pseudo.h: what may
 * follow the word.
 */
#include "dnsd/zone/pseudo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/guess.h"
#include "common/site/site.h"
#include "dnsd/zone/zonetoken.h"

enum { MNEMONIC_SERVER, MNEMONIC_UPLINK, N_MNEMONICS };

struct mnemonic {
	const char *word;
	const char *noun; /* of the objects in site.yaml whose names may follow */
	const char *a_noun;
	const char *problem_alone; /* the word, and nothing behind it */
	const char *problem;	   /* what follows fits no kind */
	int (*find)(const struct site *site, const char *name); /* index, or negative */
	const char *(*name)(const struct site *site, size_t i); /* NULL behind the last */
};

static const char *site_server_name(const struct site *site, size_t i)
{
	return i < site->n_servers ? site->servers[i].name : NULL;
}

static const char *site_uplink_name(const struct site *site, size_t i)
{
	return i < site->n_uplinks ? site->uplinks[i].name : NULL;
}

#define UPLINK_PROBLEM \
	"UPLINK needs exactly one word: an uplink of site.yaml, 'all' or 'receiving'"

static const struct mnemonic mnemonics[] = {
	[MNEMONIC_SERVER] = {"SERVER", "server", "a server",
		"SERVER needs the name of a server of site.yaml",
		"SERVER takes a server's name and, after it, nothing but 'all'",
		site_find_server, site_server_name},
	[MNEMONIC_UPLINK] = {"UPLINK", "uplink", "an uplink", UPLINK_PROBLEM, UPLINK_PROBLEM,
		site_find_uplink, site_uplink_name},
};
_Static_assert(sizeof(mnemonics) / sizeof(mnemonics[0]) == N_MNEMONICS, "a row per word");

struct form {
	const struct mnemonic *mnemonic;
	bool has_name;
	const char *keyword; /* or NULL */
};

#define FORM(KIND, WORD, has_name, keyword) \
	[PSEUDO_##KIND] = {&mnemonics[MNEMONIC_##WORD], has_name, keyword},
static const struct form forms[] = {PSEUDO_KINDS(FORM)};

enum { N_FORMS = sizeof(forms) / sizeof(forms[0]) };

const char *pseudo_word(const struct pseudo *pseudo)
{
	return forms[pseudo->kind].mnemonic->word;
}

static bool pseudo_names(const struct pseudo *pseudo, unsigned int mnemonic)
{
	const struct form *form = &forms[pseudo->kind];

	return form->has_name && form->mnemonic == &mnemonics[mnemonic];
}

bool pseudo_is_server(const struct pseudo *pseudo)
{
	return pseudo_names(pseudo, MNEMONIC_SERVER);
}

bool pseudo_names_uplink(const struct pseudo *pseudo)
{
	return pseudo_names(pseudo, MNEMONIC_UPLINK);
}

/* ---- reading ---- */

static const struct mnemonic *mnemonic_find(const struct zonetoken *token)
{
	for (size_t i = 0; i < N_MNEMONICS; i++)
		if (zonetoken_is(token, mnemonics[i].word))
			return &mnemonics[i];
	return NULL;
}

bool pseudo_is_word(const struct zonetoken *token)
{
	return mnemonic_find(token) != NULL;
}

void pseudo_offer_words(struct guess *guess)
{
	for (size_t i = 0; i < N_MNEMONICS; i++)
		guess_offer(guess, mnemonics[i].word);
}

static int pseudo_refuse(char *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int pseudo_refuse(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, PSEUDO_WHY_LEN, format, args);
	va_end(args);
	return -EINVAL;
}

static bool form_fits(const struct form *form, const struct zonetoken *args, size_t n)
{
	if (n != (form->has_name ? 1u : 0u) + (form->keyword ? 1u : 0u))
		return false;
	return !form->keyword || zonetoken_is(&args[n - 1], form->keyword);
}

static const struct form *form_find(
	const struct mnemonic *mnemonic, const struct zonetoken *args, size_t n)
{
	const struct form *found = NULL;

	for (const struct form *form = forms; form < forms + N_FORMS; form++)
		if (form->mnemonic == mnemonic && form_fits(form, args, n) &&
			(!found || form->keyword))
			found = form;
	return found;
}

/* site.yaml has nothing of that name. To an operator both words share one name space, so the
 * objects of the other word are looked at too. */
static int pseudo_refuse_name(const struct mnemonic *mnemonic, const struct zonetoken *token,
	const struct site *site, char *why)
{
	struct guess guess = guess_of(token->text);
	char show[ZONETOKEN_SHOW_LEN];
	const char *name;

	zonetoken_show(token, show);
	for (const struct mnemonic *m = mnemonics; site && m < mnemonics + N_MNEMONICS; m++)
		if (m != mnemonic && m->find(site, token->text) >= 0)
			return pseudo_refuse(why, "%s %s: that is %s, write %s %s",
				mnemonic->word, show, m->a_noun, m->word, show);

	for (const struct form *form = forms; form < forms + N_FORMS; form++)
		if (form->mnemonic == mnemonic && !form->has_name && form->keyword)
			guess_offer(&guess, form->keyword);
	for (size_t i = 0; site && (name = mnemonic->name(site, i)); i++)
		guess_offer(&guess, name);
	return pseudo_refuse(why, "%s %s: site.yaml has no such %s%s%s%s", mnemonic->word,
		show, mnemonic->noun, guess.best ? " (did you mean '" : "",
		guess.best ? guess.best : "", guess.best ? "'?)" : "");
}

int pseudo_parse(const struct zonetoken *tokens, size_t n, const struct site *site,
	struct pseudo *ret_pseudo, char *why)
{
	const struct mnemonic *mnemonic = mnemonic_find(&tokens[0]);
	const struct form *form = form_find(mnemonic, tokens + 1, n - 1);
	int index = 0;

	if (!form)
		return pseudo_refuse(
			why, "%s", n == 1 ? mnemonic->problem_alone : mnemonic->problem);
	if (form->has_name)
		index = site ? mnemonic->find(site, tokens[1].text) : -1;
	if (index < 0)
		return pseudo_refuse_name(mnemonic, &tokens[1], site, why);
	ret_pseudo->kind = (enum pseudo_kind)(form - forms);
	ret_pseudo->index = (unsigned int)index;
	return 0;
}
