/* page.h - the page at / and its files, which are part of the binary. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"

void serve_page(struct exchange *ex, struct str name);

/* /page/NAME */
void serve_page_file(struct exchange *ex, struct str name);
