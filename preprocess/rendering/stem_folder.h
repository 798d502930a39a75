// A folder of stems that is complete or absent.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "preprocess/rendering/channel_renderer.h"

namespace cocola {

// Writes <folder>/<channel>_<family>.flac (mono, 16 bit, kRenderRateHz; channels counted from 01)
// beside `folder` under a temporary name, then renames.
//
// Throws: Error naming the file that could not be written; nothing is left under either name.
void write_stem_folder(const std::filesystem::path& folder,
                       const std::vector<RenderedChannel>& channels);

// Deletes what killed processes left in `parent` while writing a stem folder.
void sweep_unfinished_stem_folders(const std::filesystem::path& parent);

}  // namespace cocola
