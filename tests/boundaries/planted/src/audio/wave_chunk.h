// Allowed: a header for its own folder.
#pragma once
