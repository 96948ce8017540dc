// SPDX-License-Identifier: MIT
#include "statistics.h"

#include <algorithm>

namespace bench
{

double median(std::vector<double> values)
{
	if (values.empty())
		return 0;
	std::sort(values.begin(), values.end());
	size_t half = values.size() / 2;
	return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double smallest(const std::vector<double> &values)
{
	return *std::min_element(values.begin(), values.end());
}

double largest(const std::vector<double> &values)
{
	return *std::max_element(values.begin(), values.end());
}

} // namespace bench
