/* listings.h - the routes that tell what there is: functions, figures, pools. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"

void serve_list(struct exchange *ex, struct str name);
void serve_stats(struct exchange *ex, struct str name);
void serve_logs(struct exchange *ex, struct str name);
void serve_pools(struct exchange *ex, struct str name);
