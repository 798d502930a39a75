// What cocola_eval can be asked for: `cocola_eval NAME [options]`.
#pragma once

namespace cocola {

// Each takes the command line from its own name on (argv[0]) and returns the exit status.

// Accuracy at K on songs the model never trained on, with the untrained network beside it; also
// what is done when no name is given.
int accuracy_command(int argc, char** argv);

// Stores in a model file how its scores of true and of mismatched pairs lie.
int calibrate_command(int argc, char** argv);

// Writes the reference card of a model beside its file.
int card_command(int argc, char** argv);
// Systems against each other, by their scores.
int compare_command(int argc, char** argv);

// Distances between two sets of embeddings; as ranks, too. Opens and ends its world itself.
int distance_command(int argc, char** argv);

// How scores go together with the ratings of a listening test.
int listeners_command(int argc, char** argv);

// One HTML page of scores.
int report_command(int argc, char** argv);

// How the score answers to damage of one side of a pair.
int response_command(int argc, char** argv);

}  // namespace cocola
