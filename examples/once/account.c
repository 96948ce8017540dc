/* SPDX-License-Identifier: MIT */
/* An object inside a struct on the heap: each account has a mailbox, opened by the thread that asks for it first.
 *
 *   cc account.c -pthread && ./a.out
 */
#include <onceproof/once.h>
#include <stdio.h>
#include <stdlib.h>

struct mailbox {
	char name[32];
};

struct account {
	const char *user;
	struct once mailbox; /* holds a struct mailbox */
};

/* A new account, or NULL. Nobody has opened its mailbox: zeroed memory says so. */
static struct account *account_new(const char *user)
{
	struct account *made = (struct account *)calloc(1, sizeof *made);
	if (made)
		made->user = user;
	return made;
}

/* The load: its argument is what the third argument of once_get() was. */
static void *open_mailbox(void *arg)
{
	const struct account *account = (const struct account *)arg;
	struct mailbox *made = (struct mailbox *)malloc(sizeof *made);
	if (made)
		snprintf(made->name, sizeof made->name, "mail of %s", account->user);
	return made;
}

/* Any thread, any time. NULL: errno says why, and the next call tries again. */
static struct mailbox *account_mailbox(struct account *account)
{
	return (struct mailbox *)once_get(&account->mailbox, open_mailbox, account);
}

/* No thread may use the account any more. */
static void account_free(struct account *account)
{
	free(once_reset(&account->mailbox)); /* NULL where nobody has asked */
	free(account);
}

static void *worker(void *arg)
{
	return account_mailbox((struct account *)arg);
}

int main(void)
{
	struct account *account = account_new("ada"), *unused = account_new("bob");
	pthread_t thread;
	void *theirs = NULL;
	if (!account || !unused || pthread_create(&thread, NULL, worker, account) != 0)
		return 1;
	struct mailbox *mine = account_mailbox(account);
	pthread_join(thread, &theirs);
	if (!mine || mine != theirs)
		return 1;
	puts(mine->name);
	account_free(account);
	account_free(unused);
	return 0;
}
