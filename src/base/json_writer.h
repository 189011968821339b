#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

/// Puts one JSON document together, on one line. The caller opens and closes in the right order; names belong to values
/// of objects and are left out ("") in arrays. Texts must be ASCII or UTF-8.
class JsonWriter {
 public:
  void open_object(std::string_view name = {}) { open(name, '{'); }
  void close_object() { close('}'); }
  void open_array(std::string_view name) { open(name, '['); }
  void close_array() { close(']'); }

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, uint64_t value);
  void signed_number(std::string_view name, int64_t value);
  /// With three decimals.
  void decimal(std::string_view name, double value);
  void boolean(std::string_view name, bool value);
  void null(std::string_view name);

  std::string const& document() const { return out_; }

 private:
  void begin(std::string_view name);
  void open(std::string_view name, char bracket);
  void close(char bracket);
  void quoted(std::string_view text);

  std::string out_;
  bool first_ = true;
};

}  // namespace holdfast
