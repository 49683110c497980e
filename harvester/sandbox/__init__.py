"""A local Flickr: a catalogue made from a seed, served over HTTP as Flickr serves, faults included."""
