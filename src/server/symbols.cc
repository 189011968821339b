#include "server/symbols.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "net/unique_fd.h"

namespace holdfast {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

template <class T>
T const* at(char const* image, size_t bytes, uint64_t offset, uint64_t count) {
  if (offset > bytes || count > (bytes - offset) / sizeof(T)) return nullptr;
  return reinterpret_cast<T const*>(image + offset);
}

}  // namespace

Symbols::Symbols() {
  UniqueFd const fd(open(kSelf, O_RDONLY | O_CLOEXEC));
  struct stat about;
  if (fd.get() < 0 || fstat(fd.get(), &about) != 0 || about.st_size <= 0) return;
  auto const bytes = static_cast<size_t>(about.st_size);
  void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (mapped == MAP_FAILED) return;
  image_ = static_cast<char const*>(mapped);
  image_bytes_ = bytes;
  auto const* header = at<ElfW(Ehdr)>(image_, bytes, 0, 1);
  if (!header || header->e_shentsize != sizeof(ElfW(Shdr))) return;
  auto const* sections = at<ElfW(Shdr)>(image_, bytes, header->e_shoff, header->e_shnum);
  if (!sections) return;
  for (size_t i = 0; i < header->e_shnum; i++) {
    ElfW(Shdr) const& table = sections[i];
    if (table.sh_type != SHT_SYMTAB || table.sh_link >= header->e_shnum) continue;
    ElfW(Shdr) const& names = sections[table.sh_link];
    size_t const count = table.sh_size / sizeof(ElfW(Sym));
    if (!at<ElfW(Sym)>(image_, bytes, table.sh_offset, count) || !at<char>(image_, bytes, names.sh_offset, names.sh_size)) return;
    symbols_ = image_ + table.sh_offset;
    symbol_count_ = count;
    names_ = image_ + names.sh_offset;
    names_bytes_ = names.sh_size;
    return;
  }
}

Symbols::~Symbols() {
  if (image_) munmap(const_cast<char*>(image_), image_bytes_);
}

Symbols::Place Symbols::find(void const* code) const {
  // The one question about loaded objects that takes no lock (glibc 2.35).
  dl_find_object object;
  if (_dl_find_object(const_cast<void*>(code), &object) != 0) return {};
  link_map const& loaded = *object.dlfo_link_map;
  uint64_t const offset = reinterpret_cast<uintptr_t>(code) - loaded.l_addr;
  bool const own = !loaded.l_name || !*loaded.l_name;  // the executable has no name there
  if (!own) return {.file = loaded.l_name, .function = {}, .offset = offset};
  Place place{.file = "holdfast-server", .function = {}, .offset = offset};
  auto const* symbols = reinterpret_cast<ElfW(Sym) const*>(symbols_);
  for (size_t i = 0; i < symbol_count_; i++) {
    ElfW(Sym) const& symbol = symbols[i];
    if ((symbol.st_info & 0xf) != STT_FUNC || offset < symbol.st_value || offset >= symbol.st_value + symbol.st_size) continue;
    if (symbol.st_name >= names_bytes_) continue;
    place.function = names_ + symbol.st_name;
    place.offset = offset - symbol.st_value;
    break;
  }
  return place;
}

}  // namespace holdfast
