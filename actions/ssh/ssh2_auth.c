/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logging in, in ssh's order: keys of the agent that ssh_config names, its
 * others, key files, then questions. Where libssh2 cannot do what ssh can (RSA
 * with SHA-2, security keys, certificates, GSSAPI) the answer is ERR_USAGE
 * before a person is asked for a password, and ssh itself logs in instead.
 */
#define _GNU_SOURCE
#include "actions/ssh/ssh2_int.h"

#include <stdlib.h>
#include <string.h>

#include "actions/ssh/ssh_agent.h"
#include "actions/ssh/ssh_key.h"
#include "actions/ssh/ssh_known.h"
#include "actions/ssh/ssh_memory.h"
#include "base/mem.h"
#include "base/str.h"

#define PASSPHRASE_TRIES 3

/* One attempt to log in. */
struct login {
	struct ssh2 *own;
	struct call *call;
	struct ssh_key *keys;		/* owned; as ssh_config names them */
	struct ssh_agent *agent;	/* owned; NULL = none */
	const struct buf *blob;		/* the agent's key in work */
	bool accepted;			/* the server would take the key that is being tried */
	bool failed;			/* a callback failed, why: */
	struct err error;
	struct buf cannot;		/* what libssh2 cannot do here, in words */
	char *methods;			/* owned; what the server offers */
	char *password_key;		/* owned; under which a password is remembered */
	char *typed;			/* the password just given; wiped */
	int prompts;
};

/* libssh2 reports through rc; waits on EAGAIN. */
static bool again(struct login *login, int rc, struct err *e, int *result)
{
	if (rc != LIBSSH2_ERROR_EAGAIN)
		return false;
	*result = ssh2_wait(login->own, login->call, -1, e);
	return *result == 0;
}

/* 1 = logged in, 0 = not with this, -1. */
static int outcome(struct login *login, int rc, struct err *e)
{
	struct ssh2 *own = login->own;

	if (login->failed) {
		*e = login->error;
		return -1;
	}
	if (rc == 0)
		return 1;
	if (own->hung_up || rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_SEND ||
	    rc == LIBSSH2_ERROR_SOCKET_RECV) {
		own->closed = true;
		return err_set(e, ERR_DENIED, "%s closed the connection during the log-in as %s",
			       ssh_config_name(own->config), ssh_config_user(own->config));
	}
	return 0;
}

static void cannot(struct login *login, const char *what)
{
	if (!strstr(buf_text(&login->cannot), what))
		buf_printf(&login->cannot, "%s%s", login->cannot.len ? ", " : "", what);
}

static void cannot_type(struct login *login, const char *type)
{
	if (str_is(type, "ssh-rsa"))
		cannot(login, "RSA keys");
	else if (str_starts(type, "sk-"))
		cannot(login, "security keys");
	else if (strstr(type, "-cert-"))
		cannot(login, "certificates");
	else
		cannot(login, "keys of an unusual type");
}

/* The methods that ssh_config prefers are the only ones. */
static bool wants(const struct login *login, const char *method)
{
	const char *list = ssh_config_text(login->own->config, "preferredauthentications", "");

	return !*list || ssh_config_has_word(list, method);
}

/* True for a type of keys that ssh_config lets ssh use. */
static bool wants_type(const struct login *login, const char *type)
{
	const char *list = ssh_config_text(login->own->config, "pubkeyacceptedalgorithms", "");

	if (!*list || ssh_config_has_word(list, type))
		return true;
	return str_is(type, "ssh-rsa") && strstr(list, "rsa-sha2-");
}

/* ---- keys of the agent ---- */

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign_by_agent)
{
	struct login *login = *abstract;
	struct ssh_agent_work work = { .blob = login->blob, .data = data, .len = data_len };
	struct buf signature = {0};

	(void)session;
	login->accepted = true;
	if (ssh_agent_sign(login->agent, login->call, &work, &signature, &login->error) < 0) {
		/* A refusal is that of this key alone. */
		login->failed = login->error.kind != ERR_DENIED;
		buf_done(&signature);
		return -1;
	}
	*sig_len = signature.len;
	*sig = (unsigned char *)buf_take(&signature);
	return 0;
}

/* Only finds out whether the server would take the key. */
static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign_never)
{
	struct login *login = *abstract;

	(void)session;
	(void)sig;
	(void)sig_len;
	(void)data;
	(void)data_len;
	login->accepted = true;
	return -1;
}

static int try_public(struct login *login, const struct buf *blob,
		      LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*sign)), struct err *e)
{
	const char *user = ssh_config_user(login->own->config);
	void *abstract = login;
	int rc, result = 0;

	login->blob = blob;
	login->accepted = false;
	do {
		rc = libssh2_userauth_publickey(login->own->session, user, (const unsigned char *)blob->data, blob->len,
						sign, &abstract);
	} while (again(login, rc, e, &result));
	return result < 0 ? -1 : outcome(login, rc, e);
}

static int try_agent_key(struct login *login, const struct buf *blob, struct err *e)
{
	struct buf type = {0};
	int result = 0;

	ssh_known_type(blob->data, blob->len, &type);
	if (!wants_type(login, buf_text(&type)))
		;
	else if (ssh_key_is_plain(buf_text(&type)))
		result = try_public(login, blob, sign_by_agent, e);
	else
		cannot_type(login, buf_text(&type));
	buf_done(&type);
	return result;
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len > 0 && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool agent_has(const struct login *login, const struct buf *blob)
{
	const struct buf *held;
	const char *name;

	for (size_t i = 0; login->agent && ssh_agent_key(login->agent, i, &held, &name); i++) {
		if (is_same(held, blob))
			return true;
	}
	return false;
}

static bool is_configured(const struct login *login, const struct buf *blob)
{
	for (const struct ssh_key *key = login->keys; key; key = key->next) {
		if (is_same(&key->blob, blob))
			return true;
	}
	return false;
}

static int try_agent(struct login *login, struct err *e)
{
	const struct buf *blob;
	const char *name;
	int result = 0;

	if (!login->agent)
		return 0;
	for (const struct ssh_key *key = login->keys; key && result == 0; key = key->next) {
		if (agent_has(login, &key->blob))
			result = try_agent_key(login, &key->blob, e);
	}
	if (ssh_config_is(login->own->config, "identitiesonly"))
		return result;
	for (size_t i = 0; result == 0 && ssh_agent_key(login->agent, i, &blob, &name); i++) {
		if (!is_configured(login, blob))
			result = try_agent_key(login, blob, e);
	}
	return result;
}

/* ---- key files ---- */

/* 1 = logged in, 0 = not taken, 2 = the passphrase is wrong, -1. */
static int try_file(struct login *login, const struct ssh_key *key, const char *passphrase, struct err *e)
{
	struct ssh2 *own = login->own;
	const char *user = ssh_config_user(own->config);
	int rc, result = 0;

	do {
		rc = libssh2_userauth_publickey_fromfile_ex(own->session, user, (unsigned)strlen(user), NULL, key->path,
							    passphrase ? passphrase : "");
	} while (again(login, rc, e, &result));
	if (result < 0)
		return -1;
	if (rc == LIBSSH2_ERROR_FILE)
		return 2;
	return outcome(login, rc, e);
}

static int ask_passphrase(struct login *login, const struct ssh_key *key, int try, char **answer, struct err *e)
{
	struct buf text = {0};
	int result;

	buf_printf(&text, "%sPassphrase of the key %s, to log in to %s:", try > 0 ? "That was not it. " : "", key->path,
		   ssh_config_name(login->own->config));
	result = call_ask(login->call, "secret", buf_text(&text), NULL, answer, e);
	buf_done(&text);
	return result;
}

static int try_encrypted(struct login *login, const struct ssh_key *key, struct err *e)
{
	char *memory = mem_printf("key %s", key->path);
	char *answer = ssh_memory_get(memory);
	int result = answer ? try_file(login, key, answer, e) : 2;

	for (int try = 0; try < PASSPHRASE_TRIES && result == 2; try++) {
		ssh_memory_wipe(answer);
		answer = NULL;
		result = ask_passphrase(login, key, try, &answer, e);
		/* An empty answer: not this key. */
		if (result == 0 && answer && *answer)
			result = try_file(login, key, answer, e);
		else if (result == 0)
			break;
	}
	if (result == 0 || result == 1)
		ssh_memory_set(memory, answer && *answer ? answer : NULL);
	if (result == 2) {
		ssh_memory_set(memory, NULL);
		result = err_set(e, ERR_DENIED, "the passphrase of %s was wrong %d times", key->path, PASSPHRASE_TRIES);
	}
	ssh_memory_wipe(answer);
	mem_free(memory);
	return result;
}

static int try_key(struct login *login, const struct ssh_key *key, struct err *e)
{
	int result;

	if (key->has_cert)
		cannot(login, "certificates");
	if (key->type.len > 0 && !wants_type(login, buf_text(&key->type)))
		return 0;
	if (!ssh_key_is_plain(buf_text(&key->type))) {
		cannot_type(login, buf_text(&key->type));
		return 0;
	}
	if (!key->is_private || agent_has(login, &key->blob))
		return 0;
	if (!key->is_encrypted) {
		result = try_file(login, key, NULL, e);
		return result == 2 ? 0 : result;
	}
	/* The passphrase is asked for only when the key would be taken. */
	if (key->blob.len > 0) {
		result = try_public(login, &key->blob, sign_never, e);
		if (result != 0 || !login->accepted)
			return result;
	}
	return try_encrypted(login, key, e);
}

static int try_keys(struct login *login, struct err *e)
{
	int result;

	if (!ssh_config_is(login->own->config, "pubkeyauthentication") &&
	    str_is(ssh_config_text(login->own->config, "pubkeyauthentication", "true"), "false"))
		return 0;
	result = try_agent(login, e);
	for (const struct ssh_key *key = login->keys; key && result == 0; key = key->next)
		result = try_key(login, key, e);
	return result;
}

/* ---- questions ---- */

/* One question of the server's or ours; a password is taken from memory first. */
static char *answer_prompt(struct login *login, const char *prompt, bool echo, struct err *e)
{
	struct ssh2 *own = login->own;
	bool is_password = !echo && ssh_memory_is_password(prompt);
	struct buf text = {0};
	char *answer = NULL;

	if (is_password && login->prompts++ == 0)
		answer = ssh_memory_get(login->password_key);
	if (!answer) {
		buf_printf(&text, "%s%s asks %s: %s", login->prompts > 1 && is_password ? "That was not it. " : "",
			   ssh_config_name(own->config), ssh_config_user(own->config), prompt);
		if (call_ask(login->call, "secret", buf_text(&text), NULL, &answer, e) < 0)
			answer = NULL;
		else if (!answer)
			answer = mem_strdup("");
		buf_done(&text);
	}
	if (answer && is_password) {
		ssh_memory_wipe(login->typed);
		login->typed = mem_strdup(answer);
	}
	return answer;
}

static LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(answer_all)
{
	struct ssh2 *own = *abstract;
	struct login *login = own->login;

	(void)name;
	(void)name_len;
	(void)instruction;
	(void)instruction_len;
	for (int i = 0; i < num_prompts; i++) {
		char *prompt = mem_dup(prompts[i].text, prompts[i].length);
		char *answer = login->failed ? NULL
			     : answer_prompt(login, prompt, prompts[i].echo != 0, &login->error);

		mem_free(prompt);
		if (!answer) {
			login->failed = true;
			answer = mem_strdup("");
		}
		responses[i].length = (unsigned)strlen(answer);
		responses[i].text = answer;	/* libssh2 frees it with our free_memory, which wipes */
	}
}

static int try_interactive(struct login *login, struct err *e)
{
	const char *user = ssh_config_user(login->own->config);
	int rc, result = 0;

	do {
		rc = libssh2_userauth_keyboard_interactive_ex(login->own->session, user, (unsigned)strlen(user), answer_all);
	} while (again(login, rc, e, &result));
	return result < 0 ? -1 : outcome(login, rc, e);
}

static int try_password(struct login *login, struct err *e)
{
	const char *user = ssh_config_user(login->own->config);
	char *password = answer_prompt(login, "Password:", false, e);
	int rc, result = 0;

	if (!password)
		return -1;
	do {
		rc = libssh2_userauth_password_ex(login->own->session, user, (unsigned)strlen(user), password,
						  (unsigned)strlen(password), NULL);
	} while (again(login, rc, e, &result));
	ssh_memory_wipe(password);
	return result < 0 ? -1 : outcome(login, rc, e);
}

/* As often as NumberOfPasswordPrompts says. */
static int try_typed(struct login *login, const char *method, const char *key,
		     int (*try)(struct login *, struct err *), struct err *e)
{
	int tries = ssh_config_int(login->own->config, "numberofpasswordprompts", 3);
	int result = 0;

	if (!ssh_config_is(login->own->config, key) || !ssh_config_has_word(login->methods, method) ||
	    !wants(login, method))
		return 0;
	for (int i = 0; i < tries && result == 0; i++)
		result = try(login, e);
	if (result == 1 && login->typed)
		ssh_memory_set(login->password_key, login->typed);
	else if (login->typed)
		ssh_memory_set(login->password_key, NULL);
	return result;
}

/* ---- all of it ---- */

/* What the server offers, into login->methods. 1 = it lets us in without anything, 0, -1. */
static int list_methods(struct login *login, struct err *e)
{
	struct ssh2 *own = login->own;
	const char *user = ssh_config_user(own->config);
	char *list;
	int rc, result = 0;

	do {
		list = libssh2_userauth_list(own->session, user, (unsigned)strlen(user));
		rc = list ? 0 : libssh2_session_last_errno(own->session);
	} while (!list && again(login, rc, e, &result));
	if (result < 0)
		return -1;
	if (!list && libssh2_userauth_authenticated(own->session))
		return 1;
	if (!list) {
		own->closed = true;
		return err_set(e, ERR_DENIED, "%s closed the connection before the log-in as %s",
			       ssh_config_name(own->config), user);
	}
	mem_set(&login->methods, list);
	return 0;
}

static void load_keys(struct login *login)
{
	const struct ssh_config *config = login->own->config;
	const struct json *files = ssh_config_list(config, "identityfile");
	struct ssh_key **end = &login->keys;

	for (size_t i = 0; i < json_count(files); i++) {
		struct buf path = {0};

		if (str_is(json_as_text(json_item(files, i)), "none"))
			;
		else if (ssh_config_path(config, json_as_text(json_item(files, i)), &path))
			*end = ssh_key_read(buf_text(&path));
		else
			cannot(login, "the IdentityFile of your ssh_config");
		if (*end)
			end = &(*end)->next;
		buf_done(&path);
	}
	if (ssh_config_text(config, "certificatefile", NULL))
		cannot(login, "certificates");
	if (ssh_config_text(config, "pkcs11provider", NULL))
		cannot(login, "PKCS#11 tokens");
}

static int load_agent(struct login *login, struct err *e)
{
	const struct ssh_config *config = login->own->config;
	const char *named = ssh_config_text(config, "identityagent", "SSH_AUTH_SOCK");
	const char *list = json_as_text(json_item(ssh_config_list(config, "identityagent"), 0));
	struct buf path = {0};

	if (str_is(list, "none"))
		return 0;
	if (str_is(named, "SSH_AUTH_SOCK"))
		buf_puts(&path, getenv("SSH_AUTH_SOCK") ? getenv("SSH_AUTH_SOCK") : "");
	else if (*named == '$')
		buf_puts(&path, getenv(named + 1) ? getenv(named + 1) : "");
	else if (!ssh_config_path(config, named, &path)) {
		buf_clear(&path);
		cannot(login, "the IdentityAgent of your ssh_config");
	}
	login->agent = ssh_agent_open(buf_text(&path));
	buf_done(&path);
	if (login->agent && ssh_agent_load(login->agent, login->call, e) < 0) {
		ssh_agent_close(login->agent);
		login->agent = NULL;
		/* Without it, as ssh does; but a cancel is a cancel. */
		return e->kind == ERR_IO ? 0 : -1;
	}
	return 0;
}

/* True when the server offers a method that ssh_config allows and libssh2 lacks. */
static void note_methods(struct login *login)
{
	const struct ssh_config *config = login->own->config;

	if (ssh_config_is(config, "gssapiauthentication") && wants(login, "gssapi-with-mic") &&
	    ssh_config_has_word(login->methods, "gssapi-with-mic"))
		cannot(login, "GSSAPI");
	if (ssh_config_is(config, "hostbasedauthentication") && wants(login, "hostbased") &&
	    ssh_config_has_word(login->methods, "hostbased"))
		cannot(login, "host-based log-ins");
}

static int try_questions(struct login *login, struct err *e)
{
	const char *preferred = ssh_config_text(login->own->config, "preferredauthentications", "");
	const char *password = strstr(preferred, "password");
	const char *interactive = strstr(preferred, "keyboard-interactive");
	bool password_first = password && interactive && password < interactive;
	int result = 0;

	if (password_first)
		result = try_typed(login, "password", "passwordauthentication", try_password, e);
	if (result == 0)
		result = try_typed(login, "keyboard-interactive", "kbdinteractiveauthentication", try_interactive, e);
	if (result == 0 && !password_first)
		result = try_typed(login, "password", "passwordauthentication", try_password, e);
	return result;
}

static int log_in(struct login *login, struct err *e)
{
	struct ssh2 *own = login->own;
	const char *name = ssh_config_name(own->config);
	int result = list_methods(login, e);

	if (result != 0)
		return result;
	load_keys(login);
	if (load_agent(login, e) < 0)
		return -1;
	if (ssh_config_has_word(login->methods, "publickey") && wants(login, "publickey"))
		result = try_keys(login, e);
	if (result != 0)
		return result;
	/* A key may have been the first of two factors: what is wanted now? */
	if (login->keys || login->agent)
		result = list_methods(login, e);
	if (result != 0)
		return result;
	note_methods(login);
	if (login->cannot.len > 0)
		return err_set(e, ERR_USAGE, "%s: libssh2 cannot log in with %s; the system's ssh does it instead", name,
			       buf_text(&login->cannot));
	result = try_questions(login, e);
	if (result == 0)
		result = err_set(e, ERR_DENIED, "%s does not let %s in (it takes: %s)", name, ssh_config_user(own->config),
				 login->methods);
	return result;
}

int ssh2_auth(struct ssh2 *own, struct call *call, struct err *e)
{
	struct login login = { .own = own, .call = call };
	int result;

	login.password_key = mem_printf("password %s@%s:%d", ssh_config_user(own->config),
					ssh_config_address(own->config), ssh_config_port(own->config));
	own->login = &login;
	own->wiping = true;
	result = log_in(&login, e);
	own->wiping = false;
	own->login = NULL;
	while (login.keys) {
		struct ssh_key *next = login.keys->next;

		ssh_key_free(login.keys);
		login.keys = next;
	}
	ssh_agent_close(login.agent);
	buf_done(&login.cannot);
	mem_free(login.methods);
	mem_free(login.password_key);
	ssh_memory_wipe(login.typed);
	return result == 1 ? 0 : -1;
}
