# Checks that the pages name only files that exist, and that the tour of src/ leaves no header out.
#   cmake -DROOT=<project> -P cmake/check_docs.cmake
# Prints one line for each error and fails if there is one.
cmake_minimum_required(VERSION 3.25)
get_filename_component(ROOT "${ROOT}" ABSOLUTE)

# Paths that start with one of these are files of the project, wherever they stand in a page.
set(tops "src|preprocess|launch|eval|bench|tests|cmake|configs|docs|slurm|\\.ci")

function(error where text)
  message("${where}: ${text}")
  set_property(GLOBAL APPEND PROPERTY errors ${where})
endfunction()

function(check_page page)
  file(READ ${ROOT}/${page} text)
  get_filename_component(folder ${ROOT}/${page} DIRECTORY)
  # Brackets and semicolons would break CMake's lists.
  string(REPLACE "](" " @link(" text "${text}")
  string(REGEX REPLACE "[][;\\\\]" " " text "${text}")

  string(REGEX MATCHALL "@link\\([^)# ]+" links "${text}")
  foreach(link IN LISTS links)
    string(REPLACE "@link(" "" link "${link}")
    if(NOT link MATCHES "^[a-z]+:" AND NOT EXISTS "${folder}/${link}")
      error(${page} "links to ${link}, which does not exist")
    endif()
  endforeach()

  string(REGEX REPLACE "@link\\([^)]*" " " text "${text}")
  string(REGEX MATCHALL "(^|[^A-Za-z0-9_./-])(${tops})/[A-Za-z0-9_][A-Za-z0-9_./-]*" paths "${text}")
  list(REMOVE_DUPLICATES paths)
  foreach(path IN LISTS paths)
    string(REGEX REPLACE "^[^a-z.]|[.,]+$" "" path "${path}")
    if(NOT EXISTS "${ROOT}/${path}")
      error(${page} "names ${path}, which does not exist")
    endif()
  endforeach()
endfunction()

file(GLOB pages RELATIVE ${ROOT} ${ROOT}/*.md ${ROOT}/docs/*.md)
foreach(page IN LISTS pages)
  check_page(${page})
endforeach()

set(tour docs/architecture.md)
file(READ ${ROOT}/${tour} text)
file(GLOB headers RELATIVE ${ROOT}/src ${ROOT}/src/*/*.h)
string(REGEX MATCHALL "`[a-z_0-9]+/[a-z_0-9]+\\.h`" named "${text}")
list(TRANSFORM named REPLACE "`" "")
list(REMOVE_DUPLICATES named)
foreach(header IN LISTS headers)
  if(NOT header IN_LIST named)
    error(${tour} "leaves out `${header}`")
  endif()
endforeach()
foreach(header IN LISTS named)
  if(NOT header IN_LIST headers)
    error(${tour} "names `${header}`, which does not exist in src/")
  endif()
endforeach()

list(LENGTH pages num_pages)
get_property(errors GLOBAL PROPERTY errors)
list(LENGTH errors num_errors)
if(errors)
  message(FATAL_ERROR "${num_errors} errors in ${num_pages} pages")
endif()
message(STATUS "${num_pages} pages name only what exists")
