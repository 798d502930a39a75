// Planted: a dumping ground, and not on the closed list.
#pragma once
