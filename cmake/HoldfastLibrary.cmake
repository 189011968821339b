# One static library per folder of src/, in one fixed order. A folder may use only folders that stand above it in
# HOLDFAST_LAYOUT; naming any other as a dependency stops the configuration. (tests/house/check_layout.py checks the
# #include lines the same way.)

set(HOLDFAST_LAYOUT
  base config memory resp net disk structures rdb values log tools keyspace snapshot acl command commands pubsub scripting replication health admin server)

find_package(Threads REQUIRED)
if(HOLDFAST_TESTS)
  find_package(GTest REQUIRED)
endif()

add_library(holdfast_flags INTERFACE)
target_compile_options(holdfast_flags INTERFACE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wno-missing-field-initializers
  -fno-omit-frame-pointer)
target_include_directories(holdfast_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(holdfast_flags INTERFACE HOLDFAST_VERSION="${PROJECT_VERSION}")
target_link_libraries(holdfast_flags INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # std::stable_sort of libstdc++ 12 uses what that library has declared deprecated; g++ says nothing about it.
  target_compile_options(holdfast_flags INTERFACE -Wthread-safety -Wno-deprecated-declarations)
endif()
if(HOLDFAST_SANITIZE)
  target_compile_options(holdfast_flags INTERFACE -fsanitize=${HOLDFAST_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(holdfast_flags INTERFACE -fsanitize=${HOLDFAST_SANITIZE})
  target_compile_definitions(holdfast_flags INTERFACE HOLDFAST_SANITIZED)
endif()

# Under sanitizers the optimizer takes most of the time of compiling a test, and gives little back.
add_library(holdfast_test_flags INTERFACE)
if(HOLDFAST_SANITIZE)
  target_compile_options(holdfast_test_flags INTERFACE -O0)
endif()

# What nearly every file includes, compiled once: it is about a third of the time of a build. Only headers of the standard
# library and of GoogleTest, which do not change; files still include what they use.
if(HOLDFAST_PRECOMPILE)
  set(HOLDFAST_STD_HEADERS <algorithm> <array> <atomic> <chrono> <condition_variable> <cmath> <cstring> <deque> <expected>
    <functional> <map> <memory> <mutex> <optional> <random> <set> <shared_mutex> <span> <string> <string_view> <thread>
    <unordered_map> <utility> <variant> <vector>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # What g++ 12 takes for overflows inside of std::string it shows when that comes from a precompiled header.
    target_compile_options(holdfast_flags INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
      -Wno-stringop-overread)
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/empty.cc "")
  add_library(holdfast_std STATIC ${CMAKE_BINARY_DIR}/empty.cc)
  target_link_libraries(holdfast_std PRIVATE holdfast_flags)
  target_precompile_headers(holdfast_std PRIVATE ${HOLDFAST_STD_HEADERS})
  if(HOLDFAST_TESTS)
    add_library(holdfast_std_test STATIC ${CMAKE_BINARY_DIR}/empty.cc)
    target_link_libraries(holdfast_std_test PRIVATE holdfast_flags holdfast_test_flags GTest::gtest)
    target_precompile_headers(holdfast_std_test PRIVATE ${HOLDFAST_STD_HEADERS} <gtest/gtest.h>)
  endif()
endif()

# holdfast_library(<folder> [DEPS <folder>...] [LIBS <external>...] [APART])
# Builds every *.cc of the folder (but *_test.cc and main.cc) as holdfast_<folder>, and *_test.cc as <folder>_test.
# APART: its files are compiled one by one, also where others are not: they use the same names for things of their own.
function(holdfast_library folder)
  cmake_parse_arguments(ARG "APART" "" "DEPS;LIBS" ${ARGN})
  set(unity OFF)
  if(HOLDFAST_UNITY AND NOT ARG_APART)
    set(unity ON)
  endif()
  list(FIND HOLDFAST_LAYOUT ${folder} own_rank)
  if(own_rank EQUAL -1)
    message(FATAL_ERROR "src/${folder} is not in HOLDFAST_LAYOUT")
  endif()
  foreach(dep IN LISTS ARG_DEPS)
    list(FIND HOLDFAST_LAYOUT ${dep} dep_rank)
    if(dep_rank EQUAL -1 OR NOT dep_rank LESS own_rank)
      message(FATAL_ERROR "src/${folder} may not use src/${dep}: it does not stand above it in the layout")
    endif()
  endforeach()

  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM ARG_DEPS PREPEND holdfast_)

  if(sources)
    add_library(holdfast_${folder} STATIC ${sources})
    target_link_libraries(holdfast_${folder} PUBLIC holdfast_flags ${ARG_DEPS} ${ARG_LIBS})
    set_target_properties(holdfast_${folder} PROPERTIES UNITY_BUILD ${unity})
    if(HOLDFAST_PRECOMPILE)
      target_precompile_headers(holdfast_${folder} REUSE_FROM holdfast_std)
    endif()
  else()
    add_library(holdfast_${folder} INTERFACE)
    target_link_libraries(holdfast_${folder} INTERFACE holdfast_flags ${ARG_DEPS} ${ARG_LIBS})
  endif()

  if(HOLDFAST_TESTS AND tests)
    add_executable(${folder}_test ${tests})
    set_target_properties(${folder}_test PROPERTIES UNITY_BUILD ${unity})
    target_link_libraries(${folder}_test PRIVATE holdfast_${folder} holdfast_test_flags GTest::gtest GTest::gtest_main)
    if(HOLDFAST_PRECOMPILE)
      target_precompile_headers(${folder}_test REUSE_FROM holdfast_std_test)
    endif()
    add_test(NAME ${folder} COMMAND ${folder}_test)
  endif()
endfunction()
