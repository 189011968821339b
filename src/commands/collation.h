#pragma once

#include <locale.h>

#include <cstring>
#include <string>

namespace holdfast {

/// The order of texts in a locale (locale-collate). One thread.
class Collation {
 public:
  /// "", and what is no locale of this machine: that of the process.
  explicit Collation(std::string const& name)
      : locale_(name.empty() ? locale_t{} : newlocale(LC_COLLATE_MASK, name.c_str(), locale_t{})) {}
  Collation(Collation const&) = delete;
  Collation& operator=(Collation const&) = delete;
  ~Collation() {
    if (locale_ != locale_t{}) freelocale(locale_);
  }

  /// Of two texts that end with a zero byte.
  int compare(char const* a, char const* b) const {
    return locale_ == locale_t{} ? std::strcoll(a, b) : strcoll_l(a, b, locale_);
  }

 private:
  locale_t locale_;
};

}  // namespace holdfast
