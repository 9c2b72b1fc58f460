/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is it the host that it claims to be? Strict: a key that is not known is asked about, another one than the known is refused. */
#include "actions/ssh/ssh2_int.h"

#include <string.h>

#include "actions/ssh/ssh_known.h"
#include "base/mem.h"
#include "base/str.h"

/* What libssh2 1.10 can verify without SHA-1, strongest and cheapest first. */
static const char *const methods_known[] = {
	"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", NULL,
};

static bool has_type(const struct ssh_known *known, const char *type)
{
	for (; known; known = known->next) {
		if (known->kind == KNOWN_KEY && str_is(known->type, type))
			return true;
	}
	return false;
}

static bool has_kind(const struct ssh_known *known, enum ssh_known_kind kind)
{
	for (; known; known = known->next) {
		if (known->kind == kind)
			return true;
	}
	return false;
}

static void add_methods(const struct ssh2 *own, const struct ssh_known *known, bool wanted, struct buf *methods)
{
	const char *allowed = ssh_config_text(own->config, "hostkeyalgorithms", "");

	for (const char *const *type = methods_known; *type; type++) {
		if (has_type(known, *type) == wanted && (!*allowed || ssh_config_has_word(allowed, *type)))
			buf_printf(methods, "%s%s", methods->len ? "," : "", *type);
	}
}

int ssh2_hostkey_methods(struct ssh2 *own, struct buf *methods, struct err *e)
{
	const char *name = ssh_config_name(own->config);
	struct ssh_known *known = ssh_known_load(own->config);
	int result = 0;

	add_methods(own, known, true, methods);
	if (has_kind(known, KNOWN_AUTHORITY))
		result = err_set(e, ERR_USAGE, "%s is known by a certificate authority, which libssh2 cannot check", name);
	else if (methods->len == 0 && has_kind(known, KNOWN_KEY))
		result = err_set(e, ERR_USAGE, "%s is known by a key of a type that libssh2 cannot check (%s)", name,
				 known->type);
	if (result == 0)
		add_methods(own, known, false, methods);
	if (result == 0 && methods->len == 0)
		result = err_set(e, ERR_USAGE, "libssh2 knows none of the HostKeyAlgorithms that your ssh_config allows");
	ssh_known_free(known);
	return result;
}

/* The host's key, and how people know it. */
struct offered {
	const void *key;
	size_t len;
	struct buf type;
	struct buf print;
	struct buf name;	/* as in known_hosts */
};

static const struct ssh_known *find_key(const struct ssh_known *known, const struct offered *offered,
					enum ssh_known_kind kind)
{
	for (; known; known = known->next) {
		if (known->kind == kind && known->key.len == offered->len &&
		    memcmp(known->key.data, offered->key, offered->len) == 0)
			return known;
	}
	return NULL;
}

/* The key of the same type that is known for this name, else any. */
static const struct ssh_known *find_other(const struct ssh_known *known, const struct offered *offered)
{
	const struct ssh_known *any = NULL;

	for (; known; known = known->next) {
		if (known->kind != KNOWN_KEY || known->portless)
			continue;
		if (str_is(known->type, buf_text(&offered->type)))
			return known;
		any = any ? any : known;
	}
	return any;
}

static int refuse_changed(struct ssh2 *own, struct call *call, const struct ssh_known *other,
			  const struct offered *offered, struct err *e)
{
	struct buf words = {0}, print = {0};

	ssh_known_fingerprint(other->key.data, other->key.len, &print);
	buf_printf(&words, "The host key of %s (%s) has CHANGED.\n"
		   "  known:  %s %s (%s line %d)\n  now:    %s %s\n"
		   "Either the host was installed anew or its keys were replaced, or somebody stands between you and it.\n"
		   "Ask whoever runs the host, over another way, which fingerprint is right. Only then remove the old key:\n"
		   "  ssh-keygen -f %s -R '%s'\n",
		   ssh_config_name(own->config), buf_text(&offered->name), other->type, buf_text(&print), other->file,
		   other->line, buf_text(&offered->type), buf_text(&offered->print), other->file,
		   buf_text(&offered->name));
	call_output(call, "note", words.data, words.len);
	err_set(e, ERR_DENIED, "the host key of %s has CHANGED: known %s, now %s; refused: " SSH_NOTHING_SENT, ssh_config_name(own->config),
		buf_text(&print), buf_text(&offered->print));
	buf_done(&words);
	buf_done(&print);
	return -1;
}

static int trust(struct ssh2 *own, struct call *call, const struct offered *offered, struct err *e)
{
	struct buf where = {0}, words = {0};
	int result = ssh_known_add(call, own->config, offered->key, offered->len, &where, e);

	if (result < 0) {
		/* It was trusted; that it is asked again next time does no harm. */
		buf_printf(&words, "The key of %s is trusted now, but could not be stored: %s\n",
			   ssh_config_name(own->config), e->text);
	} else {
		buf_printf(&words, "The key of %s was added to %s.\n", ssh_config_name(own->config), buf_text(&where));
	}
	call_output(call, "note", words.data, words.len);
	buf_done(&where);
	buf_done(&words);
	return 0;
}

static int ask_unknown(struct ssh2 *own, struct call *call, const struct ssh_known *known,
		       const struct offered *offered, struct err *e)
{
	const char *name = ssh_config_name(own->config);
	struct buf text = {0}, details = {0};
	char *answer = NULL;
	int result;

	buf_printf(&text, "The host %s (%s) is not known yet. Its %s key has the fingerprint %s. Is that right?", name,
		   buf_text(&offered->name), buf_text(&offered->type), buf_text(&offered->print));
	buf_printf(&details, "Compare it with what whoever runs the host says, or with what the host itself prints:\n"
		   "  ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub\n",
		   strstr(buf_text(&offered->type), "ed25519") ? "ed25519" : "ecdsa");
	if (known && known->portless)
		buf_printf(&details, "Another key is known for the same name without a port (%s line %d).\n", known->file,
			   known->line);
	result = call_ask(call, "hostkey", buf_text(&text), buf_text(&details), &answer, e);
	if (result == 0 && !str_is(answer, "trust"))
		result = err_set(e, ERR_DENIED, "the host key of %s (%s) was not trusted: " SSH_NOTHING_SENT, name, buf_text(&offered->print));
	if (result == 0)
		result = trust(own, call, offered, e);
	buf_done(&text);
	buf_done(&details);
	mem_free(answer);
	return result;
}

static int judge(struct ssh2 *own, struct call *call, const struct ssh_known *known, const struct offered *offered,
		 struct err *e)
{
	const char *strict = ssh_config_text(own->config, "stricthostkeychecking", "ask");
	const char *name = ssh_config_name(own->config);
	const struct ssh_known *other;

	if (find_key(known, offered, KNOWN_REVOKED))
		return err_set(e, ERR_DENIED, "the host key of %s (%s) was revoked: somebody may have stolen it; refused: " SSH_NOTHING_SENT,
			       name, buf_text(&offered->print));
	if (find_key(known, offered, KNOWN_KEY))
		return 0;
	other = find_other(known, offered);
	if (other)
		return refuse_changed(own, call, other, offered, e);
	if (str_is(strict, "yes") || str_is(strict, "true"))
		return err_set(e, ERR_DENIED, "the host key of %s (%s %s) is not known, and your ssh_config says "
			       "StrictHostKeyChecking yes; refused: " SSH_NOTHING_SENT, name, buf_text(&offered->type),
			       buf_text(&offered->print));
	/* The user's own setting: these take an unknown key unseen. A changed one is never taken. */
	if (str_is(strict, "accept-new") || str_is(strict, "no") || str_is(strict, "off") || str_is(strict, "false"))
		return trust(own, call, offered, e);
	return ask_unknown(own, call, known, offered, e);
}

int ssh2_hostkey_check(struct ssh2 *own, struct call *call, struct err *e)
{
	struct offered offered = { .len = 0 };
	struct ssh_known *known;
	int type;
	int result;

	offered.key = libssh2_session_hostkey(own->session, &offered.len, &type);
	if (!offered.key)
		return err_set(e, ERR_IO, "%s showed no host key", ssh_config_name(own->config));
	known = ssh_known_load(own->config);
	ssh_known_type(offered.key, offered.len, &offered.type);
	ssh_known_fingerprint(offered.key, offered.len, &offered.print);
	ssh_known_name(own->config, &offered.name);
	result = judge(own, call, known, &offered, e);
	buf_done(&offered.type);
	buf_done(&offered.print);
	buf_done(&offered.name);
	ssh_known_free(known);
	return result;
}
