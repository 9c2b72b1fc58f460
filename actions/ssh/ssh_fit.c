/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every keyword of ssh_config(5) is in one of three lists: what our own
 * connection honours or what concerns no command on a host (nothing is asked
 * of it), what it honours for some values only, and the rest, that a newer ssh
 * may know. A value of the rest that is not ssh's own default was set by
 * somebody who meant it.
 */
#include "actions/ssh/ssh_fit.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* Any value will do. */
static const char *const fine[] = {
	/* honoured by ssh_config, ssh_dial, ssh_known, ssh2_hostkey, ssh2_auth, transport_ssh2 */
	"host", "user", "hostname", "port", "addressfamily", "hostkeyalias", "identityfile", "identitiesonly", "identityagent",
	"stricthostkeychecking", "hashknownhosts", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "ciphers",
	"macs", "kexalgorithms", "hostkeyalgorithms", "passwordauthentication", "kbdinteractiveauthentication",
	"challengeresponseauthentication", "pubkeyauthentication", "preferredauthentications", "numberofpasswordprompts",
	"proxyjump", "proxycommand", "gssapiauthentication", "hostbasedauthentication", "pkcs11provider", "certificatefile",
	"pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes", "userknownhostsfile", "globalknownhostsfile",
	/* resolved by ssh -G before it prints anything */
	"canonicaldomains", "canonicalizefallbacklocal", "canonicalizehostname", "canonicalizemaxdots",
	"canonicalizepermittedcnames", "include", "match", "tag", "ignoreunknown",
	/* about forwardings, terminals, other sessions of the same connection */
	"clearallforwardings", "controlmaster", "controlpath", "controlpersist", "dynamicforward", "enableescapecommandline",
	"escapechar", "exitonforwardfailure", "forkafterauthentication", "forwardagent", "forwardx11", "forwardx11timeout",
	"forwardx11trusted", "gatewayports", "localcommand", "localforward", "permitlocalcommand", "permitremoteopen",
	"remotecommand", "remoteforward", "requesttty", "sessiontype", "stdinnull", "streamlocalbindmask",
	"streamlocalbindunlink", "tunnel", "tunneldevice", "xauthlocation",
	/* what people are told or asked: that is bellbook's */
	"batchmode", "fingerprinthash", "loglevel", "logverbose", "syslogfacility", "visualhostkey", "warnweakcrypto",
	/* no difference to what is done and with whom; of SendEnv on purpose: it would bring the language of whoever drives (LANG) into what is parsed */
	"addkeystoagent", "casignaturealgorithms", "channeltimeout", "checkhostip", "compression", "compressionlevel",
	"connectionattempts", "enablesshkeysign", "gssapiclientidentity", "gssapidelegatecredentials", "gssapikexalgorithms",
	"gssapirenewalforcesrekey", "gssapiserveridentity", "gssapitrustdns", "hostbasedacceptedalgorithms",
	"hostbasedkeytypes", "ipqos", "obscurekeystroketiming", "rekeylimit", "securitykeyprovider",
	"sendenv", "tcpkeepalive", "updatehostkeys", "usekeychain", "versionaddendum",
	NULL,
};

/* What ssh does beyond our own connection, unless the value is this one, or "no" or "none". */
static const struct limit {
	const char *key;	/* as ssh -G prints it */
	const char *keyword;	/* as people write it */
	const char *plain;
} limits[] = {
	{ "bindaddress", "BindAddress", "" },
	{ "bindinterface", "BindInterface", "" },
	{ "gssapikeyexchange", "GSSAPIKeyExchange", "no" },
	{ "kbdinteractivedevices", "KbdInteractiveDevices", "" },
	{ "knownhostscommand", "KnownHostsCommand", "" },
	{ "nohostauthenticationforlocalhost", "NoHostAuthenticationForLocalhost", "no" },
	{ "proxyusefdpass", "ProxyUseFdpass", "no" },
	{ "refuseconnection", "RefuseConnection", "" },
	{ "requiredrsasize", "RequiredRSASize", "1024" },
	{ "revokedhostkeys", "RevokedHostKeys", "" },
	{ "setenv", "SetEnv", "" },
	{ "verifyhostkeydns", "VerifyHostKeyDNS", "false" },
};

static bool is_in(const char *const *list, const char *word)
{
	for (; *list; list++) {
		if (strcasecmp(*list, word) == 0)
			return true;
	}
	return false;
}

static bool is_limited(const char *key)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (str_is(limits[i].key, key))
			return true;
	}
	return false;
}

static int only_ssh(const struct ssh_config *config, const char *keyword, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s: %s of its ssh_config is for the system's ssh, which connects instead",
		       ssh_config_name(config), keyword);
}

static int check_limits(const struct ssh_config *config, struct err *e)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const char *value = ssh_config_text(config, limits[i].key, "");

		if (*value && !str_is(value, "no") && !str_is(value, limits[i].plain))
			return only_ssh(config, limits[i].keyword, e);
	}
	return 0;
}

/* A newer ssh's keyword that somebody has set. */
static const char *find_unknown(const struct ssh_config *config, const struct ssh_config *builtin)
{
	struct json *values;
	const char *keyword;
	void *it = NULL;

	while ((keyword = ssh_config_next(config, &it, &values))) {
		if (is_in(fine, keyword) || is_limited(keyword))
			continue;
		if (!builtin || !json_same(values, ssh_config_list(builtin, keyword)))
			return keyword;
	}
	return NULL;
}

/* The order of methods is that of our own connection: keys before anything that is typed. */
static bool types_first(const struct ssh_config *config)
{
	const char *list = ssh_config_text(config, "preferredauthentications", "");
	const char *keys = strstr(list, "publickey");
	const char *password = strstr(list, "password"), *typed = strstr(list, "keyboard-interactive");

	return keys && ((password && password < keys) || (typed && typed < keys));
}

/* ssh -G prints several files with blanks between them, and a blank in a name as it is. True when it is plain which is which. */
static bool is_clear_list(const struct ssh_config *config, const char *key)
{
	const char *list = ssh_config_text(config, key, "");
	bool clear = true;

	for (const char *at = list; clear && *at;) {
		size_t len = strcspn(at, " ");
		struct buf whole = {0};

		clear = len > 0 && (strchr("/~", *at) || str_starts(at, "${") || str_starts(at, "%d"));
		/* "/my keys /x": a file of that name says more than the rule. */
		for (const char *end = at + len; clear && *end;) {
			end += 1 + strcspn(end + 1, " ");
			buf_clear(&whole);
			buf_append(&whole, at, (size_t)(end - at));
			clear = access(buf_text(&whole), F_OK) != 0;
		}
		buf_done(&whole);
		at += len + (at[len] == ' ');
	}
	return clear;
}

int ssh_fit_compare(const struct ssh_config *config, const struct ssh_config *builtin, struct err *e)
{
	const char *unknown;

	if (check_limits(config, e) < 0)
		return -1;
	if (types_first(config))
		return only_ssh(config, "the order of PreferredAuthentications", e);
	if (strpbrk(ssh_config_user(config), "%$"))
		return only_ssh(config, "User", e);
	if (!ssh_config_is_text(config))
		return only_ssh(config, "a value that is no UTF-8", e);
	if (!is_clear_list(config, "userknownhostsfile"))
		return only_ssh(config, "UserKnownHostsFile", e);
	if (!is_clear_list(config, "globalknownhostsfile"))
		return only_ssh(config, "GlobalKnownHostsFile", e);
	unknown = find_unknown(config, builtin);
	return unknown ? only_ssh(config, unknown, e) : 0;
}

int ssh_fit_check(struct call *call, const struct ssh_config *config, struct err *e)
{
	struct ssh_config *builtin = NULL;
	struct err ignored;
	int result;

	/* Without its own defaults, what is not known counts as set. */
	if (find_unknown(config, NULL))
		builtin = ssh_config_builtin(call, &ignored);
	result = ssh_fit_compare(config, builtin, e);
	ssh_config_free(builtin);
	return result;
}
