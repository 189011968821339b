#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

/// The names of the functions of this executable, read from its own symbol table, those of static functions included. The
/// file is mapped once; `name_of` then needs no heap and no lock, so the handler of a signal may call it.
class Symbols {
 public:
  /// Without a symbol table (a stripped executable) nothing has a name.
  Symbols();
  ~Symbols();
  Symbols(Symbols const&) = delete;
  Symbols& operator=(Symbols const&) = delete;

  struct Place {
    /// The file that the code came from; empty: unknown.
    std::string_view file;
    /// As the linker knows it; empty: unknown.
    std::string_view function;
    /// From the beginning of the function, or of the file where that has no name.
    uint64_t offset = 0;
  };
  Place find(void const* code) const;

 private:
  char const* image_ = nullptr;
  size_t image_bytes_ = 0;
  char const* symbols_ = nullptr;
  size_t symbol_count_ = 0;
  char const* names_ = nullptr;
  size_t names_bytes_ = 0;
};

}  // namespace holdfast
