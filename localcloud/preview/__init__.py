"""What a change of the program means: resources, rights in plain words, policy findings and monthly cost."""
