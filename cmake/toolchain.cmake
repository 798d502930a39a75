# Language standards, warnings, ccache and output folders for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(COCOLA_CCACHE ccache)
if(COCOLA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${COCOLA_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${COCOLA_CCACHE})
endif()

add_library(cocola_options INTERFACE)
target_compile_options(cocola_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -fstack-protector-strong>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${COCOLA_WARNINGS_AS_ERRORS}>>:-Werror>)
# g++ 12 warns falsely about string concatenation (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(cocola_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
target_compile_definitions(cocola_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(COCOLA_SANITIZE)
  set(sanitizers_of_address address,undefined)
  set(sanitizers_of_thread thread)
  if(NOT DEFINED sanitizers_of_${COCOLA_SANITIZE})
    message(FATAL_ERROR "COCOLA_SANITIZE is '${COCOLA_SANITIZE}'; expected address or thread")
  endif()
  set(sanitizers -fsanitize=${sanitizers_of_${COCOLA_SANITIZE}})
  target_compile_options(cocola_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${sanitizers} -fno-omit-frame-pointer>)
  target_link_options(cocola_options INTERFACE ${sanitizers})
endif()
