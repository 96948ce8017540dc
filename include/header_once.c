/* SPDX-License-Identifier: MIT */
/* What test_header.sh compiles, as C and as C++: all that <onceproof/once.h> offers. */
#include <onceproof/once.h>

struct model {
	int loads;
};

static struct model *load_model(void)
{
	static struct model model;
	model.loads++;
	return &model;
}

ONCE_DEFINE(struct model, the_model, load_model);
ONCE_DEFINE(struct model, the_other, load_model);
ONCE_DECLARE(struct model, the_shared);
ONCE_PROVIDE(struct model, the_shared, load_model);

struct once_in_a_struct {
	struct once once;
};

int main(void)
{
	struct once_in_a_struct one = {ONCE_INIT};
	int loads = the_model()->loads + the_model()->loads + the_other()->loads + the_shared()->loads; /* 1 + 1 + 2 + 3 */
	return loads == 7 && the_model_reset() && !the_model_reset() && !once_peek(&one.once) ? 0 : 1;
}
