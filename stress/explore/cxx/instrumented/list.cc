// SPDX-License-Identifier: MIT
// What std::list leaves to the library: the links of its nodes.
#include <list>
#include <utility>

using node = std::__detail::_List_node_base;

static void connect(node *first, node *second)
{
	first->_M_next = second;
	second->_M_prev = first;
}

void node::_M_hook(node *const next) noexcept
{
	connect(next->_M_prev, this);
	connect(this, next);
}

void node::_M_unhook() noexcept
{
	connect(_M_prev, _M_next);
}

// [first, last) goes in front of this node.
void node::_M_transfer(node *const first, node *const last) noexcept
{
	if (this == last)
		return;
	node *end = last->_M_prev, *before = _M_prev;
	connect(first->_M_prev, last);
	connect(before, first);
	connect(end, this);
}

void node::_M_reverse() noexcept
{
	node *at = this;
	do {
		std::swap(at->_M_next, at->_M_prev);
		at = at->_M_prev;
	} while (at != this);
}

// The ring behind FROM is now behind TO.
static void take_over(node &to, node &from, node *first, node *last)
{
	connect(&to, first == &from ? &to : first);
	connect(last == &from ? &to : last, &to);
}

void node::swap(node &a, node &b) noexcept
{
	node *first_a = a._M_next, *last_a = a._M_prev, *first_b = b._M_next, *last_b = b._M_prev;
	take_over(a, b, first_b, last_b);
	take_over(b, a, first_a, last_a);
}
