# A check must find every error of the planted tree, and nothing else.
#   cmake -DCHECK=<script of the check> -DEXPECTED=<its lines> -P planted_test.cmake
execute_process(
  COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_CURRENT_LIST_DIR}/planted -P ${CHECK}
  ERROR_VARIABLE output RESULT_VARIABLE status)
if(status EQUAL 0)
  message(FATAL_ERROR "the check passed a tree full of errors")
endif()
string(REGEX REPLACE "CMake Error at .*" "" found "${output}")
file(READ ${EXPECTED} expected)
if(NOT found STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}\nfound:\n${found}")
endif()
