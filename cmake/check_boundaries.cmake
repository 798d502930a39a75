# Checks what each folder may include, and the habits of sources that a machine can see.
#   cmake -DROOT=<project> -P cmake/check_boundaries.cmake
# Prints one line for each violation and fails if there is one.
cmake_minimum_required(VERSION 3.25)
get_filename_component(ROOT "${ROOT}" ABSOLUTE)

# ---- The table: docs/architecture.md shows the same one. ----

set(base_may_include)
set(audio_may_include base)
set(stems_may_include audio base)
set(features_may_include base)
set(shards_may_include base)
set(batches_may_include shards stems features base)
set(model_may_include base)
set(comm_may_include base)
set(objective_may_include comm base)
set(training_may_include batches model comm objective base)
set(metrics_may_include base)
set(config_may_include base)  # and headers that declare a struct named *Config
set(river base audio stems features shards batches model comm objective training metrics config)
set(banks preprocess launch eval)  # they may include src/ and themselves, not each other

# Headers that config may include although they declare no Config, with the reason.
set(config_also_includes
  batches/pair_source.h)  # SourceKind, a field of TrainingConfig

# Foreign headers of src/: a pattern of names, and a pattern of the files that may include them.
set(foreign
  "sndfile\\.h"                               "audio/.*"
  "hdf5\\.h|H5.*\\.h"                         "shards/.*"
  "mpi\\.h|nccl\\.h"                           "comm/.*"
  "cuda.*\\.h|cub/.*|(c10|ATen)/cuda/.*"      "comm/.*|base/run_cells\\.cuh|(features|batches|model)/[^/]*\\.cu"
  "boost/.*|yaml-cpp/.*"                      "config/.*"
  "nlohmann/.*"                               "base/json(_fwd)?\\.h"
  "spdlog/.*|xxhash\\.h"                      "base/.*"
  "fmt/.*"                                    ".*"
  "(ATen|c10|torch)/.*"                       "base/run_cells\\.cuh|(features|batches|model|comm|objective|training|metrics)/.*")

# Headers of the language, the system and the processor, free to all.
set(system_headers "[a-z0-9_]+|sys/[a-z]+\\.h|(unistd|fcntl|signal|sched|malloc|pthread|poll|dirent|immintrin|cpuid)\\.h")

set(base_is_closed error philox atomic_file progress log json json_fwd digest process csv run_cells)
set(dumping_grounds "(^|_)(util|utils|common|misc|helper|helpers)(_|\\.)")
set(backend_macros "^[ \t]*#[ \t]*(if|ifdef|ifndef|elif).*(^|[^A-Za-z])(CUDA|NCCL|MPI|OMPI)([^A-Za-z]|$)")

# Headers that the page for people marks as inner: nobody outside their folder includes them.
set(page ${ROOT}/docs/architecture.md)
file(READ ${page} page_text)
string(REGEX MATCHALL "`[a-z_0-9]+/[a-z_0-9]+\\.h` \\| \\*inner\\*" inner "${page_text}")
list(TRANSFORM inner REPLACE "`([^`]+)`.*" "\\1")

# ---- The checks. ----

function(violation where text)
  message("${where}: ${text}")
  set_property(GLOBAL APPEND PROPERTY violations ${where})
endfunction()

# Sets `out` to TRUE where config may include a header of a folder that is not in its row.
function(config_may_include_header header out)
  set(declarations)
  if(EXISTS ${ROOT}/src/${header})
    file(STRINGS ${ROOT}/src/${header} declarations REGEX "^struct [A-Z][A-Za-z]*Config ")
  endif()
  if(declarations OR header IN_LIST config_also_includes)
    set(${out} TRUE PARENT_SCOPE)
  else()
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(check_not_inner file header)
  if(header IN_LIST inner)
    violation(${file} "includes \"${header}\", which is inner to its folder")
  endif()
endfunction()

function(check_own_include file folder header)
  string(REGEX MATCH "^[^/]*" target "${header}")
  if(NOT header MATCHES "/" OR NOT target IN_LIST river)
    violation(${file} "includes \"${header}\"; paths start at src/, with a folder of it")
    return()
  endif()
  if(target STREQUAL folder)
    return()
  endif()
  check_not_inner(${file} "${header}")
  if(target IN_LIST ${folder}_may_include)
    return()
  endif()
  if(folder STREQUAL "config")
    config_may_include_header("${header}" allowed)
    if(allowed)
      return()
    endif()
  endif()
  violation(${file} "${folder} may not include \"${header}\"")
endfunction()

function(check_foreign_include file header)
  string(REGEX REPLACE "^src/" "" place "${file}")
  set(rules ${foreign})
  while(rules)
    list(POP_FRONT rules names places)
    if(header MATCHES "^(${names})$")
      if(NOT place MATCHES "^(${places})$")
        violation(${file} "may not include <${header}>")
      endif()
      return()
    endif()
  endwhile()
  if(NOT header MATCHES "^(${system_headers})$")
    violation(${file} "includes <${header}>, which no rule of cmake/check_boundaries.cmake names")
  endif()
endfunction()

# A program's folder composes src/ and itself.
function(check_program_include file folder header)
  check_not_inner(${file} "${header}")
  get_filename_component(here ${ROOT}/${file} DIRECTORY)
  if(header MATCHES "\\.\\./")
    violation(${file} "includes \"${header}\"; paths do not climb")
  elseif(NOT EXISTS ${ROOT}/src/${header} AND NOT EXISTS ${ROOT}/${folder}/${header}
         AND NOT EXISTS ${here}/${header}
         AND NOT (header MATCHES "^${folder}/" AND EXISTS ${ROOT}/${header}))
    violation(${file} "includes \"${header}\", which is neither in src/ nor in ${folder}/")
  endif()
endfunction()

# Headers that bring every operator of LibTorch into a source: 6 to 18 s of compile time each.
set(heavy_headers "ATen/(ATen|Functions|NativeFunctions|Operators)\\.h|torch/(torch|all|types)\\.h")

function(check_weight file header)
  if(header MATCHES "^(${heavy_headers})$")
    violation(${file} "includes <${header}>, which is slow to compile: name each <ATen/ops/...> instead")
  endif()
endfunction()

function(check_includes file folder)
  file(STRINGS ${ROOT}/${file} includes REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS includes)
    if(line MATCHES "include[ \t]*\"([^\"]+)\"")
      if(folder IN_LIST banks)
        check_program_include(${file} ${folder} "${CMAKE_MATCH_1}")
      else()
        check_own_include(${file} ${folder} "${CMAKE_MATCH_1}")
      endif()
    elseif(line MATCHES "include[ \t]*<([^>]+)>")
      set(header ${CMAKE_MATCH_1})
      check_weight(${file} ${header})
      if(NOT folder IN_LIST banks)
        check_foreign_include(${file} ${header})
      endif()
    endif()
  endforeach()
endfunction()

function(check_habits file)
  get_filename_component(name ${file} NAME)
  if(name MATCHES "${dumping_grounds}")
    violation(${file} "is named for no noun; say what it holds")
  endif()
  if(name MATCHES "\\.h$")
    file(STRINGS ${ROOT}/${file} first_line LIMIT_COUNT 1)
    if(NOT first_line MATCHES "^//")
      violation(${file} "does not start with a comment that says what it gives")
    endif()
    file(STRINGS ${ROOT}/${file} guard REGEX "^#pragma once$")
    if(NOT guard)
      violation(${file} "lacks #pragma once")
    endif()
  endif()
  file(STRINGS ${ROOT}/${file} switches REGEX "${backend_macros}")
  if(switches)
    violation(${file} "switches on a back-end's macro; choose a file in CMake instead")
  endif()
endfunction()

# Two types of one name in two headers are one type to the linker, which takes the functions of either.
function(check_types file)
  if(NOT file MATCHES "\\.(h|cuh)$")
    return()
  endif()
  file(STRINGS ${ROOT}/${file} types REGEX "^(struct|class) [A-Za-z0-9]+( final)?( :[^:].*)? {")
  foreach(line IN LISTS types)
    string(REGEX REPLACE "^(struct|class) ([A-Za-z0-9]+).*" "\\2" type "${line}")
    get_property(first GLOBAL PROPERTY header_of_${type})
    if(first)
      violation(${file} "declares ${type}, as ${first} does: one name, one type")
    endif()
    set_property(GLOBAL PROPERTY header_of_${type} ${file})
  endforeach()
endfunction()

function(check_file file)
  check_habits(${file})
  check_types(${file})
  string(REGEX REPLACE "^src/" "" place ${file})
  string(REGEX MATCH "^[^/]+" folder ${place})
  get_filename_component(noun ${file} NAME_WE)
  if(NOT folder IN_LIST river AND NOT folder IN_LIST banks)
    violation(${file} "lies in a folder that cmake/check_boundaries.cmake does not know")
    return()
  endif()
  if(folder STREQUAL "base" AND NOT noun IN_LIST base_is_closed)
    violation(${file} "is not on base's closed list")
  endif()
  check_includes(${file} ${folder})
endfunction()

set(files)
foreach(top IN ITEMS src ${banks})
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${top}/*)
  list(APPEND files ${sources})
endforeach()
list(FILTER files INCLUDE REGEX "\\.(h|cpp|cu|cuh)$")
if(NOT files)
  message(FATAL_ERROR "no sources below '${ROOT}'; pass -DROOT=<project>")
endif()
foreach(file IN LISTS files)
  check_file(${file})
endforeach()
# What has no folder of the river is still compiled.
file(GLOB_RECURSE others RELATIVE ${ROOT} ${ROOT}/bench/*.h ${ROOT}/bench/*.cpp ${ROOT}/tests/*.h ${ROOT}/tests/*.cpp)
list(FILTER others EXCLUDE REGEX "^tests/boundaries/planted/")
foreach(file IN LISTS others)
  file(STRINGS ${ROOT}/${file} includes REGEX "^#include <(ATen|torch)/[a-zA-Z]+\\.h>")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include <(.*)>.*" "\\1" header "${line}")
    check_weight(${file} ${header})
  endforeach()
endforeach()

# The page for people shows the same table.
foreach(folder IN LISTS river)
  string(REPLACE ";" ", " row "${${folder}_may_include}")
  if(row STREQUAL "")
    set(row "-")
  elseif(folder STREQUAL "config")
    string(APPEND row ", headers that declare a `Config`")
  endif()
  string(FIND "${page_text}" "\n| ${folder} | ${row} |" position)
  if(position EQUAL -1)
    violation(docs/architecture.md "lacks the row '| ${folder} | ${row} |'")
  endif()
endforeach()

list(LENGTH files num_files)
get_property(violations GLOBAL PROPERTY violations)
list(LENGTH violations num_violations)
if(violations)
  message(FATAL_ERROR "${num_violations} violations in ${num_files} files")
endif()
message(STATUS "${num_files} files keep the boundaries")
