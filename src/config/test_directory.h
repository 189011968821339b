#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace holdfast::config {

/// A directory for one test, gone with it.
class TestDirectory {
 public:
  TestDirectory() {
    std::string path = std::filesystem::canonical(std::filesystem::temp_directory_path()).string() + "/holdfast.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
    path_ = path;
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(TestDirectory const&) = delete;
  TestDirectory& operator=(TestDirectory const&) = delete;

  std::string const& path() const { return path_; }

  /// The absolute path of the new file.
  std::string write(std::string const& name, std::string const& text) const {
    std::string const file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  std::string read(std::string const& name) const {
    std::ifstream file(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

}  // namespace holdfast::config
