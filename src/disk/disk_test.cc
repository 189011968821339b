// What both disks do alike, and the helpers on top.
#include "disk/disk.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>

#include "disk/faulty_disk.h"
#include "disk/real_disk.h"

namespace holdfast {
namespace {

struct RealPlace {
  RealPlace() {
    char pattern[] = "/tmp/holdfast-disk-XXXXXX";
    root = mkdtemp(pattern);
  }
  ~RealPlace() { std::filesystem::remove_all(root); }
  RealDisk disk;
  std::string root;
};

struct FaultyPlace {
  FaultyPlace() { EXPECT_TRUE(disk.make_directory(root).has_value()); }
  FaultyDisk disk;
  std::string root = "data";
};

template <class Place>
class DiskTest : public testing::Test {
 protected:
  std::string at(std::string const& name) const { return place_.root + "/" + name; }
  std::string read(std::string const& name) {
    auto contents = read_file(place_.disk, at(name), 1 << 20);
    return contents ? *contents : "<" + contents.error().message + ">";
  }
  void write(std::string const& name, std::string_view contents) {
    auto file = place_.disk.create_truncate(at(name));
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->append(contents).has_value());
  }

  Place place_;
};

using Places = testing::Types<RealPlace, FaultyPlace>;
TYPED_TEST_SUITE(DiskTest, Places);

TYPED_TEST(DiskTest, AppendReadTruncate) {
  auto file = this->place_.disk.open_append(this->at("f"));
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE((*file)->append("hello ").has_value());
  EXPECT_TRUE((*file)->append("world").has_value());
  EXPECT_EQ((*file)->size(), 11u);
  char buffer[8];
  EXPECT_EQ((*file)->pread(buffer, 6), 5u);
  EXPECT_EQ(std::string_view(buffer, 5), "world");
  EXPECT_EQ((*file)->pread(buffer, 11), 0u);
  EXPECT_EQ((*file)->pread(buffer, 100), 0u);
  EXPECT_TRUE((*file)->truncate(5).has_value());
  EXPECT_TRUE((*file)->append("!").has_value());
  EXPECT_TRUE((*file)->sync().has_value());
  EXPECT_TRUE((*file)->sync_range(0, 6).has_value());
  EXPECT_TRUE((*file)->close().has_value());
  EXPECT_EQ((*file)->append("x").error().errnum, EBADF);
  EXPECT_EQ((*file)->close().error().errnum, EBADF);
  EXPECT_EQ(this->read("f"), "hello!");

  auto again = this->place_.disk.open_append(this->at("f"));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE((*again)->append("?").has_value());
  EXPECT_EQ(this->read("f"), "hello!?");
  this->write("f", "new");
  EXPECT_EQ(this->read("f"), "new");
}

TYPED_TEST(DiskTest, FilesOpenedForReadingRefuseWrites) {
  this->write("f", "abc");
  auto file = this->place_.disk.open_read(this->at("f"));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ((*file)->append("x").error().errnum, EBADF);
  EXPECT_EQ(this->read("f"), "abc");
}

TYPED_TEST(DiskTest, Names) {
  Disk& disk = this->place_.disk;
  EXPECT_EQ(disk.open_read(this->at("f")).error().errnum, ENOENT);
  EXPECT_EQ(disk.exists(this->at("f")), false);
  EXPECT_EQ(disk.file_size(this->at("f")).error().errnum, ENOENT);
  EXPECT_EQ(disk.unlink(this->at("f")).error().errnum, ENOENT);
  EXPECT_EQ(disk.rename(this->at("f"), this->at("g")).error().errnum, ENOENT);
  EXPECT_EQ(disk.open_append(this->at("missing/f")).error().errnum, ENOENT);
  EXPECT_EQ(disk.list(this->at("missing")).error().errnum, ENOENT);

  this->write("b", "bb");
  this->write("a", "a");
  EXPECT_TRUE(disk.make_directory(this->at("sub")).has_value());
  EXPECT_EQ(disk.make_directory(this->at("sub")).error().errnum, EEXIST);
  this->write("sub/x", "xxx");
  EXPECT_EQ(disk.list(this->place_.root), (std::vector<std::string>{"a", "b", "sub"}));
  EXPECT_EQ(disk.list(this->at("sub")), (std::vector<std::string>{"x"}));
  EXPECT_EQ(disk.file_size(this->at("sub/x")), 3u);
  EXPECT_EQ(disk.exists(this->at("sub")), true);

  EXPECT_TRUE(disk.rename(this->at("b"), this->at("a")).has_value());
  EXPECT_EQ(this->read("a"), "bb");
  EXPECT_TRUE(disk.sync_directory(this->place_.root).has_value());
  EXPECT_TRUE(disk.unlink(this->at("a")).has_value());
  EXPECT_EQ(disk.list(this->place_.root), (std::vector<std::string>{"sub"}));
}

TYPED_TEST(DiskTest, AnUnlinkedFileStaysUsableWhileItIsOpen) {
  auto file = this->place_.disk.open_append(this->at("f"));
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(this->place_.disk.unlink(this->at("f")).has_value());
  EXPECT_TRUE((*file)->append("abc").has_value());
  EXPECT_EQ((*file)->size(), 3u);
}

TYPED_TEST(DiskTest, LocksExcludeEachOther) {
  Disk& disk = this->place_.disk;
  auto first = disk.lock(this->at("lock"));
  ASSERT_TRUE(first.has_value());
  auto second = disk.lock(this->at("lock"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().errnum, EWOULDBLOCK);
  first->reset();
  EXPECT_TRUE(disk.lock(this->at("lock")).has_value());
}

TYPED_TEST(DiskTest, FreeSpace) {
  auto const space = this->place_.disk.free_space(this->place_.root);
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(*space, 0u);
}

TYPED_TEST(DiskTest, ReadFileHasABound) {
  this->write("f", "12345");
  EXPECT_EQ(read_file(this->place_.disk, this->at("f"), 5), "12345");
  EXPECT_EQ(read_file(this->place_.disk, this->at("f"), 4).error().errnum, EFBIG);
}

TYPED_TEST(DiskTest, WriteFileDurablyReplacesAndCleansUp) {
  this->write("f", "old");
  EXPECT_TRUE(write_file_durably(this->place_.disk, this->at("f"), this->at("temp-f"), "new").has_value());
  EXPECT_EQ(this->read("f"), "new");
  EXPECT_EQ(this->place_.disk.exists(this->at("temp-f")), false);
}

TEST(DirectoryOf, Paths) {
  EXPECT_EQ(directory_of("f"), ".");
  EXPECT_EQ(directory_of("/f"), "/");
  EXPECT_EQ(directory_of("a/b/f"), "a/b");
}

}  // namespace
}  // namespace holdfast
