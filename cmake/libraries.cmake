# Libraries of the system, each as one imported target.
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(fluidsynth IMPORTED_TARGET fluidsynth)  # only for rendering the demo's music

# LibTorch's headers bring another fmt than the one that is linked: this one comes before it, in every source.
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
find_path(COCOLA_FMT_INCLUDE fmt/format.h HINTS ${fmt_headers} REQUIRED)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${COCOLA_FMT_INCLUDE}/fmt ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
add_library(cocola_fmt INTERFACE)
target_include_directories(cocola_fmt SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include)
target_link_libraries(cocola_fmt INTERFACE fmt::fmt)

add_library(cocola_mpi INTERFACE)
target_include_directories(cocola_mpi SYSTEM INTERFACE ${MPI_C_INCLUDE_DIRS})
target_link_libraries(cocola_mpi INTERFACE ${MPI_C_LIBRARIES})
target_compile_definitions(cocola_mpi INTERFACE OMPI_SKIP_MPICXX)

add_library(cocola_hdf5 INTERFACE)
target_include_directories(cocola_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(cocola_hdf5 INTERFACE ${HDF5_C_LIBRARIES})
