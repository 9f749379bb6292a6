/* log.h - lines on standard error: time, level, process, event, then key=value pairs. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Names this process in its lines and sets what is written. Call it after each fork. */
void log_init(const char *process, enum log_level least);

/* "debug", "info", "warn" or "error". */
bool log_level_parse(struct str word, enum log_level *level);

const char *log_level_word(enum log_level level);

/* Writes a line, cut at 4 KiB. Never blocks: a line that standard error has no room for is counted
 * and dropped. Text of functions goes through log_quoted first. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What lines are written to: standard error, or the pipe that it is, opened once more. */
int log_fd(void);

/* Lines dropped so far. */
uint64_t log_dropped(void);

/* `s` as a JSON string, so that a value cannot break a line; dies with the next call but three. */
const char *log_quoted(struct str s);
