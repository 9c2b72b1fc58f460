/* outside.h - a site as its visitors meet it: a few HTTP(S) requests that only look, bounded in time and size. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_OUTSIDE_H
#define ACTIONS_DO_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* Gets url (http or https; at most three redirects) and blocks until there is an answer, limit_us at most for each request. An answer may come out of a cache, so the page is asked for
 * once more with a query that nobody has used; and, where mastodon says that one is behind it, it is asked for its version, and something is posted to its inbox, which must refuse it (401).
 * {"url","state" ("ok" status 2xx, "attention", "silent"),"status"?,"took_us"?,"fresh_status"? (0 = no answer),"inbox_status"?,"version"?,"tls" ("checked" "none")?,
 * "cert_days"? (until the certificate expires),"moved"? (where redirects led),"text"? (what is wrong, in words)}. The certificate is checked against the system's authorities, or those in the file
 * $SSL_CERT_FILE. Never fails. Not from a process with threads of its own that use curl. Caller owns. */
struct json *outside_look(const char *url, bool mastodon, int64_t limit_us);

#endif
