/* worker_frames.h - the frames between session and worker; private to worker.c and the worker process. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_WORKER_FRAMES_H
#define ACTIONS_WORKER_WORKER_FRAMES_H

/* The frame's id is the number of the call, except where said. JSON where nothing else is said. */
enum worker_frame {
	/* to the worker */
	FRAME_CONFIG = 1,	/* fleet settings; no id */
	FRAME_SECRET,		/* NAME NUL VALUE; no id */
	FRAME_START,		/* action args host job timeout settle out err generation facts */
	FRAME_CANCEL,		/* nothing */
	FRAME_ANSWER,		/* i64 number of the question, little endian, then the value */
	FRAME_FORGET,		/* action host job; no id */
	FRAME_SWEEP,		/* nothing; no id: what is to be forgotten goes at once, then FRAME_SWEPT */
	FRAME_TYPED,		/* bytes for a terminal */
	FRAME_SIZE,		/* rows cols: of a terminal */
	FRAME_KEPT,		/* number why: the fact is on disk, or why it will not be */

	/* from the worker */
	FRAME_OUTPUT = 100,	/* STREAM NUL BYTES */
	FRAME_PROGRESS,		/* what call_progress got */
	FRAME_LINK,		/* state text */
	FRAME_SETTLED,		/* how text generation */
	FRAME_ASK,		/* ask of text details */
	FRAME_ENDED,		/* outcome error not_run result */
	FRAME_SWEPT,		/* an empty object; no id */
	FRAME_FACT,		/* number fact: FRAME_KEPT follows */
};

#endif
