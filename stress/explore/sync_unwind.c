/* SPDX-License-Identifier: MIT */
/* The way out of a thread that ends before its function returns: cleanup handlers, innermost first.
 *
 * pthread_cleanup_push() comes in two forms. Without -fexceptions it is a setjmp buffer that is registered here; the way out jumps to
 * it, it calls the handler and comes back through __pthread_unwind_next(). With -fexceptions it is a variable with the cleanup
 * attribute, which the unwinder runs (forced unwinding: Itanium C++ ABI, exception handling, section 1.3). So the stack is unwound, and
 * where it has passed the frame of a registered buffer, that comes first.
 */
#include <setjmp.h>
#include <string.h>

#include "crash.h"
#include "sync.h"

static _Noreturn void finish(struct sync_thread *self)
{
	struct thread *thread = runtime_thread();
	sync_thread_ends(thread);
	runtime_end_thread(self->result);
}

/* Runs the innermost handler. Returns unless it is a buffer to jump to. */
static void run_innermost(struct sync_thread *self)
{
	struct sync_handler *handler = self->handler;
	self->handler = handler->previous;
	if (!handler->jump) {
		handler->run(handler->arg);
		return;
	}
	runtime_thread()->depth = (unsigned)(uintptr_t)handler->arg;
	/* The buffer begins as a jmp_buf does; it says that no signal mask was saved. */
	siglongjmp(handler->jump, 1);
}

static _Unwind_Reason_Code pass_frame(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
	struct _Unwind_Exception *exception, struct _Unwind_Context *context, void *arg)
{
	(void)version;
	(void)class;
	(void)exception;
	struct sync_thread *self = arg;
	bool last = (actions & _UA_END_OF_STACK) != 0;
	uintptr_t frame = _Unwind_GetCFA(context);
	while (self->handler && (last || (uintptr_t)self->handler < frame))
		run_innermost(self);
	if (last)
		finish(self);
	return _URC_NO_REASON;
}

/* C++: catch (...) without throw. The C library ends the program then. */
static void not_thrown_again(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
	(void)reason;
	(void)exception;
	runtime_enter();
	const void *site = crash_caller(__builtin_return_address(0));
	struct place place = runtime_place(site, "catches it");
	runtime_finding(FINDING_CRASH, &place, 1,
		"thread %u catches the exception by which it ends (pthread_exit or cancellation) and does not throw it again: "
		"the C "
		"library ends the program",
		runtime->current);
	runtime_stop(ENDING_FINDING);
}

static _Noreturn void unwind(struct sync_thread *self)
{
	memset(&self->unwind, 0, sizeof self->unwind);
	self->unwind.exception_cleanup = not_thrown_again;
	_Unwind_ForcedUnwind(&self->unwind, pass_frame, self);
	/* The stack could not be unwound (code without unwind tables): the registered handlers at least. */
	while (self->handler)
		run_innermost(self);
	finish(self);
}

void sync_exit(void *result)
{
	struct sync_thread *self = sync_self();
	self->result = result;
	self->unwinding = true;
	unwind(self);
}

/* What pthread_cleanup_push() and _pop() call ---------------------------------------------------------------------------------------- */

static struct sync_handler *spare_words(__pthread_unwind_buf_t *buffer)
{
	_Static_assert(sizeof(struct sync_handler) <= sizeof buffer->__pad, "a handler lies in the buffer's spare words");
	return (struct sync_handler *)(void *)buffer->__pad;
}

void explored___pthread_register_cancel(__pthread_unwind_buf_t *buffer);
void explored___pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
	if (!runtime_on()) {
		__pthread_register_cancel(buffer);
		return;
	}
	runtime_enter();
	struct sync_thread *self = sync_self();
	struct sync_handler *handler = spare_words(buffer);
	*handler = (struct sync_handler){
		.previous = self->handler, .jump = buffer, .arg = (void *)(uintptr_t)runtime_thread()->depth};
	self->handler = handler;
}

void explored___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer);
void explored___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
	if (!runtime_on()) {
		__pthread_unregister_cancel(buffer);
		return;
	}
	runtime_enter();
	sync_self()->handler = spare_words(buffer)->previous;
}

/* pthread_cleanup_push_defer_np(): also makes cancellation deferred until the handler is popped. The cancellation type lies where the
 * C library keeps it: in the buffer, behind what is used here; bit 0 of the innermost handler's spare word `run`. */
void explored___pthread_register_cancel_defer(__pthread_unwind_buf_t *buffer);
void explored___pthread_register_cancel_defer(__pthread_unwind_buf_t *buffer)
{
	if (!runtime_on()) {
		__pthread_register_cancel_defer(buffer);
		return;
	}
	explored___pthread_register_cancel(buffer);
	struct sync_thread *self = sync_self();
	self->handler->run = self->cancel_now ? (void (*)(void *))1 : NULL;
	self->cancel_now = false;
}

void explored___pthread_unregister_cancel_restore(__pthread_unwind_buf_t *buffer);
void explored___pthread_unregister_cancel_restore(__pthread_unwind_buf_t *buffer)
{
	if (!runtime_on()) {
		__pthread_unregister_cancel_restore(buffer);
		return;
	}
	sync_self()->cancel_now = spare_words(buffer)->run != NULL;
	explored___pthread_unregister_cancel(buffer);
}

_Noreturn void explored___pthread_unwind_next(__pthread_unwind_buf_t *buffer);
void explored___pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
	if (!runtime_on())
		__pthread_unwind_next(buffer);
	runtime_enter();
	unwind(sync_self());
}
