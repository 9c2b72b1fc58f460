/* askpass.h - the program when ssh runs it as SSH_ASKPASS: hands the question to the worker that started ssh, and prints the answer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_ASKPASS_H
#define ACTIONS_TRANSPORT_ASKPASS_H

#define ASKPASS_VARIABLE "BELLBOOK_ASKPASS"	/* path of the worker's socket; main() calls askpass_main when it is set, before anything else */

/* Exit status for main(): 0 = the answer is on stdout, 1 = there is none. prompt: argv[1], may be NULL. Blocks until a person has answered. */
int askpass_main(const char *prompt);

#endif
