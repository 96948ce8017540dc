// SPDX-License-Identifier: MIT
// What std::map and std::set leave to the library: the order of their nodes, and red-black balancing (Cormen, Leiserson, Rivest and
// Stein, Introduction to Algorithms, chapter 13). The header of a tree is red; its parent is the root, its left and right are the first
// and the last node.
#include <map>

using std::_Rb_tree_node_base;
using node = std::_Rb_tree_node_base;
static const auto red = std::_S_red, black = std::_S_black;

// In order ------------------------------------------------------------------------------------------------------------------------------

static node *next_of(node *at)
{
	if (at->_M_right) {
		for (at = at->_M_right; at->_M_left;)
			at = at->_M_left;
		return at;
	}
	node *above = at->_M_parent;
	for (; at == above->_M_right; above = above->_M_parent)
		at = above;
	// The root without a right child is the last node: then AT is the header already.
	return at->_M_right != above ? above : at;
}

static node *former_of(node *at)
{
	// From the header to the last node.
	if (at->_M_color == red && at->_M_parent->_M_parent == at)
		return at->_M_right;
	if (at->_M_left) {
		for (at = at->_M_left; at->_M_right;)
			at = at->_M_right;
		return at;
	}
	node *above = at->_M_parent;
	for (; at == above->_M_left; above = above->_M_parent)
		at = above;
	return above;
}

namespace std
{
node *_Rb_tree_increment(node *at) noexcept
{
	return next_of(at);
}

const node *_Rb_tree_increment(const node *at) noexcept
{
	return next_of(const_cast<node *>(at));
}

node *_Rb_tree_decrement(node *at) noexcept
{
	return former_of(at);
}

const node *_Rb_tree_decrement(const node *at) noexcept
{
	return former_of(const_cast<node *>(at));
}
} // namespace std

// Balance -------------------------------------------------------------------------------------------------------------------------------

// The sides of a node: the algorithms are symmetric.
static node *&child(node *at, bool right)
{
	return right ? at->_M_right : at->_M_left;
}

// Where FROM hangs, TO hangs now.
static void replace(node *from, node *to, node &header)
{
	node *above = from->_M_parent;
	if (from == header._M_parent)
		header._M_parent = to;
	else
		child(above, above->_M_right == from) = to;
	if (to)
		to->_M_parent = above;
}

// AT goes down to the side RIGHT; its other child takes its place.
static void rotate(node *at, bool right, node &header)
{
	node *up = child(at, !right), *middle = child(up, right);
	child(at, !right) = middle;
	if (middle)
		middle->_M_parent = at;
	replace(at, up, header);
	child(up, right) = at;
	at->_M_parent = up;
}

static bool is_red(const node *at)
{
	return at && at->_M_color == red;
}

void std::_Rb_tree_insert_and_rebalance(const bool left, node *at, node *above, node &header) noexcept
{
	at->_M_parent = above;
	at->_M_left = at->_M_right = nullptr;
	at->_M_color = red;
	// Into an empty tree: above is the header, whose left then becomes the first node.
	child(above, !left) = at;
	if (above == &header) {
		header._M_parent = at;
		header._M_right = at;
	} else if (left && above == header._M_left) {
		header._M_left = at;
	} else if (!left && above == header._M_right) {
		header._M_right = at;
	}
	while (at != header._M_parent && is_red(at->_M_parent)) {
		node *grand = at->_M_parent->_M_parent;
		bool right = at->_M_parent == grand->_M_right;
		node *uncle = child(grand, !right);
		if (is_red(uncle)) {
			at->_M_parent->_M_color = uncle->_M_color = black;
			grand->_M_color = red;
			at = grand;
			continue;
		}
		if (at == child(at->_M_parent, !right)) {
			at = at->_M_parent;
			rotate(at, right, header);
		}
		at->_M_parent->_M_color = black;
		grand->_M_color = red;
		rotate(grand, !right, header);
	}
	header._M_parent->_M_color = black;
}

// The side of ABOVE where AT (or nothing) hangs is short of one black node.
static void mend(node *at, node *above, node &header)
{
	while (at != header._M_parent && !is_red(at)) {
		bool right = at != above->_M_left;
		node *sibling = child(above, !right);
		if (is_red(sibling)) {
			sibling->_M_color = black;
			above->_M_color = red;
			rotate(above, right, header);
			sibling = child(above, !right);
		}
		if (!is_red(sibling->_M_left) && !is_red(sibling->_M_right)) {
			sibling->_M_color = red;
			at = above;
			above = above->_M_parent;
			continue;
		}
		if (!is_red(child(sibling, !right))) {
			child(sibling, right)->_M_color = black;
			sibling->_M_color = red;
			rotate(sibling, !right, header);
			sibling = child(above, !right);
		}
		sibling->_M_color = above->_M_color;
		above->_M_color = black;
		child(sibling, !right)->_M_color = black;
		rotate(above, right, header);
		return;
	}
	if (at)
		at->_M_color = black;
}

// The header's first or last node goes: the next one inwards, of a node that has no child on that side.
static void move_ends(node *gone, node &header)
{
	if (header._M_left == gone)
		header._M_left = gone->_M_right ? _Rb_tree_node_base::_S_minimum(gone->_M_right) : gone->_M_parent;
	if (header._M_right == gone)
		header._M_right = gone->_M_left ? _Rb_tree_node_base::_S_maximum(gone->_M_left) : gone->_M_parent;
}

node *std::_Rb_tree_rebalance_for_erase(node *const gone, node &header) noexcept
{
	move_ends(gone, header);
	auto lost = gone->_M_color;
	node *at, *above;
	if (gone->_M_left && gone->_M_right) {
		// Its successor, which has no left child, takes its place.
		node *heir = _Rb_tree_node_base::_S_minimum(gone->_M_right);
		lost = heir->_M_color;
		at = heir->_M_right;
		above = heir->_M_parent == gone ? heir : heir->_M_parent;
		if (heir != gone->_M_right) {
			replace(heir, at, header);
			heir->_M_right = gone->_M_right;
			heir->_M_right->_M_parent = heir;
		}
		replace(gone, heir, header);
		heir->_M_left = gone->_M_left;
		heir->_M_left->_M_parent = heir;
		heir->_M_color = gone->_M_color;
	} else {
		at = gone->_M_left ? gone->_M_left : gone->_M_right;
		above = gone->_M_parent;
		replace(gone, at, header);
	}
	if (lost == black)
		mend(at, above, header);
	return gone;
}
