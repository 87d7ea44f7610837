"""Every key of the console: one table from which dispatch, footer, palette and help are made.

A letter that does something on several screens does the same on all of them.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """A row of the table."""

    name: str
    """What it does, in a word; with the place before it the id of the binding, stable for whoever remaps keys."""
    keys: str
    """Keys as the framework names them, separated by commas."""
    action: str
    label: str
    """One or two words for the footer."""
    tooltip: str
    """A sentence for the help."""
    show: bool = True
    """Whether it stands in the footer."""
    display: str | None = None
    """How the key is written, where the framework's way is not clear."""
    priority: bool = False


def _through(line: str) -> tuple[Key, ...]:
    """What moves through a list; `line` is what one line of it is."""
    return (
        Key("down", "j,down", "move(1)", "Down", f"Next {line}", show=False),
        Key("up", "k,up", "move(-1)", "Up", f"Previous {line}", show=False),
        Key("page-down", "pagedown", "page(1)", "Page down", "A page further down", show=False),
        Key("page-up", "pageup", "page(-1)", "Page up", "A page further up", show=False),
        Key("first", "home", "move(-1_000_000_000)", "First", f"First {line}", show=False),
        Key("last", "end", "move(1_000_000_000)", "Last", f"Last {line}", show=False),
    )


TABLE: dict[str, tuple[Key, ...]] = {
    "console": (
        Key("runs", "1", "place('runs')", "Runs", "Profiles and runs", show=False),
        Key("dashboard", "2", "place('dashboard')", "Dashboard", "The run at a glance", show=False),
        Key("samples", "3", "place('samples')", "Samples", "Every sound that the run made", show=False),
        Key("latent", "4", "place('latent')", "Latent", "The latent space: maps, walks, sliders", show=False),
        Key("compare", "5", "place('compare')", "Compare", "Curves of any runs over each other", show=False),
        Key("data", "6", "place('data')", "Data", "The music: what is ready, what was refused", show=False),
        Key("tuning", "7", "place('tuning')", "Tuning", "Trials of a study", show=False),
        Key("log", "8", "place('log')", "Log", "Log and events, searchable", show=False),
        Key("places", "0", "places", "Go", "All screens by name; a number goes to one", display="1-8"),
        Key("steer", "t", "steer", "Steer", "Steer the run: rate, beta, epochs, stop and more"),
        Key("sound", "o", "sound", "Sound", "Where sound goes; your browser can be the loudspeaker", show=False),
        Key("help", "question_mark", "help", "Help", "What every key does here", display="?"),
        Key("leave", "q", "leave", "Leave", "Leave the console; asks what becomes of the run"),
        Key("palette", "ctrl+p", "command_palette", "Commands", "All commands by name", show=False, priority=True),
    ),
    "dashboard": (
        Key("play", "space", "play", "Play", "Play the chosen sample, or pause"),
        Key("take", "a", "take", "Take", "Next take of the same item; goes on from the same place"),
        # On a narrow screen the list of samples says so at its foot.
        Key("take-too", "a", "next_take", "Take", "Next take of the same item, from the same place", show=False),
        Key("pause", "p", "command('pause')", "Pause", "Pause the training after this step"),
        Key("resume", "p", "command('resume')", "Go on", "Go on with the training"),
        Key("checkpoint", "c", "command('checkpoint')", "Checkpoint", "Write a checkpoint after this step"),
        Key("sample", "s", "command('sample')", "Sample", "Make samples after this step"),
        Key("chart", "tab", "next_chart", "Chart", "The next chart; beside the loss, KL or gradient norm and rate"),
        Key("list", "tab", "next_list", "Other list", "Go to the refused files, or back to the samples"),
        Key("look", "z", "look", "Look", "Go to the charts: zoom, move along, read values off"),
        # Where the footer has no room.
        Key("look-too", "z", "look_too", "Look", "Go to the charts: zoom, move along, read values off", show=False),
        Key("refused", "r", "refused", "Refused", "Every refused file, and why"),
        # On a narrow screen the header names them, and the footer has no room.
        Key("refused-too", "r", "all_refused", "Refused", "Every refused file, and why", show=False),
        Key("evaluation", "e", "evaluation", "Evaluation", "Everything that was measured of the model last"),
        # There the line of figures is to be clicked.
        Key(
            *("evaluation-too", "e", "whole_evaluation", "Evaluation"),
            "Everything that was measured of the model last",
            show=False,
        ),
        Key("back", "escape", "app.place('runs')", "Back", "Back to profiles and runs; the run goes on", show=False),
    ),
    "runs": (
        Key("new-run", "n", "new_run", "New run", "Look at the settings of the profile or the run, and change them"),
        Key("other", "tab", "app.focus_next", "Other list", "Go to the other list"),
        Key("find", "slash", "find", "Find", "Show only the profiles and runs in which words are found", display="/"),
        Key("previous", "left_square_bracket", "order(-1)", "Order", "Runs in the order before this one", show=False),
        Key("next", "right_square_bracket", "order(1)", "Order", "Runs by time, error, name or state", display="[ ]"),
        Key("right", "l,right", "app.focus_next", "Other list", "Go to the other list", show=False),
        Key("left", "h,left", "app.focus_previous", "Other list", "Go to the other list", show=False),
        Key("back", "escape", "back", "Back", "Forget what was looked for; else back to the open run", show=False),
    ),
    "told": (Key("open", "enter", "app.place('log')", "All", "Go to the log and all events", show=False),),
    "finding": (
        Key("found", "enter,down,tab", "found", "Found", "Go on to what was found"),
        Key("forget", "escape", "forget", "Forget", "Look for nothing, and show everything again"),
    ),
    "choices": (
        Key("select", "enter", "select", "Start", "Start the profile at once, or go on with changes to it"),
        Key("down", "j", "cursor_down", "Down", "Next line of the list", show=False),
        Key("up", "k", "cursor_up", "Up", "Previous line of the list", show=False),
    ),
    "run-list": (
        Key("open", "enter", "open", "Open", "Open the run"),
        *_through("run"),
    ),
    "new-run": (
        # What has a button with its letter is not in the footer, which has no room for all.
        Key("start", "g", "start", "Start", "Start the run with these settings", show=False),
        Key("save", "w", "save", "Save", "Write the changes into a profile of your own, comments kept", show=False),
        Key("undo", "u", "undo", "Undo", "Give the setting back the profile's value"),
        Key("undo-all", "U", "undo_all", "Undo all", "Give all settings back the profile's values", show=False),
        Key("changed", "d", "changed_only", "Changed", "Show only what was changed, or everything again"),
        Key("find", "slash", "find", "Find", "Show only the settings in which words are found", display="/"),
        Key("copy", "y", "copy", "Copy", "Copy the command line that starts the same", show=False),
        Key("other", "tab", "app.focus_next", "Buttons", "Go to the buttons, or back to the settings", show=False),
        Key("back", "escape", "back", "Back", "Back to profiles and runs; what was typed is kept"),
    ),
    "settings-list": (
        Key("edit", "enter", "edit", "Change", "Type another value; of a switch or choices take the next"),
        Key("more", "l,right,plus", "step(1)", "More", "Turn a switch on, take the next choice", show=False),
        Key("less", "h,left,minus", "step(-1)", "Less", "Turn a switch off, take the choice before", show=False),
        *_through("setting"),
        Key("previous", "left_square_bracket", "section(-1)", "Section", "Section before this one", show=False),
        Key("next", "right_square_bracket", "section(1)", "Section", "Next section, or the one before", display="[ ]"),
    ),
    "setting-value": (
        Key("done", "enter", "done(0)", "Done", "Take this value"),
        Key("down", "down,tab", "done(1)", "Next", "Take this value and go to the next setting"),
        Key("up", "up,shift+tab", "done(-1)", "Previous", "Take this value and go to the setting before", show=False),
        Key("forget", "escape", "forget", "As it was", "Leave the value as it was before"),
    ),
    "save-profile": (
        Key("back", "escape", "dismiss(None)", "Back", "Go back; nothing is written"),
        Key("folder", "up,down", "folder", "Folder", "The other folder"),
    ),
    "ask": (
        Key("back", "escape,q", "dismiss(False)", "Back", "Go back; nothing happens"),
        Key("down", "j,right,l", "app.focus_next", "Next", "Next answer", show=False),
        Key("up", "k,left,h", "app.focus_previous", "Previous", "Previous answer", show=False),
    ),
    "refused-list": (
        Key("choose", "enter", "choose", "Whole text", "Show the whole name and reason", show=False),
        *_through("line of the list"),
    ),
    "samples-list": (
        Key("select", "enter", "select", "Play", "Play the chosen sample, or stop", show=False),
        Key("down", "j", "cursor_down", "Down", "Next line of the list", show=False),
        Key("up", "k", "cursor_up", "Up", "Previous line of the list", show=False),
    ),
    "samples": (
        Key("play", "space", "play", "Play", "Play what is shown; pause it; go on"),
        Key("take", "a", "take", "Take", "Next take of the same item: A original, B decoded, C reconstruction"),
        Key("difference", "d", "difference", "Differs", "How the reconstruction differs from the original, in dB"),
        Key("previous", "left_square_bracket", "go_step(-1)", "Earlier", "The same item a step earlier", show=False),
        Key("next", "right_square_bracket", "go_step(1)", "Later", "The same item a step later", show=False),
        Key("newest", "w", "newest", "Newest", "The same item at the newest step", show=False),
        Key("autoplay", "u", "autoplay", "Autoplay", "Play what is new as soon as it is made, or not", show=False),
        Key("star", "asterisk", "star", "Star", "Give the sample a star, or take it back", display="*"),
        Key("note", "n", "note", "Note", "Write a note on the sample; it is kept in the run"),
        # On a narrow screen the footer has no room for them.
        Key("note-too", "n", "also('note')", "Note", "Write a note on the sample; it is kept in the run", show=False),
        Key("find", "slash", "find", "Find", "Find samples of the step by title, kind or note", display="/"),
        Key("starred", "f", "starred", "Starred", "Only what has a star or a note, or everything", show=False),
        Key("export", "x", "export", "Export", "Copy the sounds, their pictures and a description to a folder"),
        Key(
            *("export-too", "x", "also('export')", "Export"),
            "Copy the sounds, their pictures and a description to a folder",
            show=False,
        ),
        Key("sample", "s", "sample", "Sample", "Make samples after this step"),
        Key("copy", "y", "copy_path", "Copy path", "Copy the path of the sound to the clipboard", show=False),
        Key("back-a-bit", "left,comma", "seek(-1)", "Back a bit", "A little back in the sound", show=False),
        Key("on-a-bit", "right,full_stop", "seek(1)", "On a bit", "A little further in the sound", show=False),
        Key("loop", "g", "loop", "Loop", "Go round: begin again at the end, or not", show=False),
        Key("louder", "plus,equals_sign", "volume(1)", "Louder", "Louder", show=False),
        Key("quieter", "minus", "volume(-1)", "Quieter", "Quieter", show=False),
        Key("pictures", "i", "pictures", "Pictures", "Draw in pixels, half-blocks or characters", show=False),
        Key("other", "tab", "other_list", "Other list", "From the steps to the samples, and back", show=False),
        Key("steps", "h", "focus_list('steps')", "Steps", "Go to the list of steps", show=False),
        Key("items", "l", "focus_list('items')", "Samples", "Go to the samples of the step", show=False),
        Key("back", "escape", "back", "Back", "Show all again, or go back to the dashboard", show=False),
    ),
    "samples-rows": (
        Key("choose", "enter", "choose", "Play", "Play the chosen sample", show=False),
        *_through("line of the list"),
    ),
    "fill-in": (Key("back", "escape", "dismiss(None)", "Back", "Go back; nothing changes", show=False),),
    "latent": (
        Key("play", "space", "play", "Play", "Play what the panel stands for, or pause"),
        # The frame of the map names it.
        Key(
            *("take", "a", "take", "Take"),
            "The segment's original or its reconstruction, from the same place",
            show=False,
        ),
        Key("method", "m", "method", "Map", "The other map: t-SNE or PCA"),
        Key("label", "b", "label", "By", "Letter the map by another label: genre, key, artist, source or track"),
        Key("from", "f", "end('start')", "From", "Begin the walk at the chosen segment"),
        Key("to", "g", "end('end')", "To", "End the walk at the chosen segment"),
        Key("from-mean", "F", "mean('start')", "From mean", "Begin the walk at the mean of its kind", show=False),
        Key("to-mean", "G", "mean('end')", "To mean", "End the walk at the mean of its kind", show=False),
        Key("walk", "w", "walk", "Walk", "Hear the way from one end to the other"),
        Key("way", "v", "way", "Way", "The other way: spherical or linear", show=False),
        Key("draw", "d", "draw", "Draw", "Hear another random draw from the prior", show=False),
        Key("into", "i", "into", "Into", "Put the sliders where the chosen segment lies", show=False),
        Key("reset", "x", "reset", "Reset", "Put all sliders into the middle", show=False),
        Key("order", "n", "order", "Order", "Dimensions by size, or by number", show=False),
        Key("next", "right_square_bracket", "step(1)", "Next", "Next segment of the music", show=False),
        Key("previous", "left_square_bracket", "step(-1)", "Previous", "Segment of the music before", show=False),
        Key("update", "u", "update", "Update", "Load the newest weights of the run", show=False),
        Key("panel", "tab", "panel(1)", "Panel", "Go to the next panel"),
        Key("panel-back", "shift+tab", "panel(-1)", "Panel back", "Go to the panel before", show=False),
        Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),
    ),
    "latent-map": (
        Key("hear", "enter", "hear", "Hear", "Play the chosen segment", show=False),
        Key("left", "h,left", "move(-1, 0)", "Left", "The nearest segment to the left", show=False),
        Key("right", "l,right", "move(1, 0)", "Right", "The nearest segment to the right", show=False),
        Key("up", "k,up", "move(0, -1)", "Up", "The nearest segment above", show=False),
        Key("down", "j,down", "move(0, 1)", "Down", "The nearest segment below", show=False),
    ),
    "latent-sliders": (
        Key("hear", "enter", "hear", "Hear", "Decode the sliders and play them", show=False),
        Key("down", "j,down", "row(1)", "Down", "Next slider", show=False),
        Key("up", "k,up", "row(-1)", "Up", "Previous slider", show=False),
        Key("left", "h,left", "slide(-0.25)", "Left", "A quarter of a standard deviation down", show=False),
        Key("right", "l,right", "slide(0.25)", "Right", "A quarter of a standard deviation up", show=False),
        Key("less", "minus", "slide(-1)", "Less", "A standard deviation down", show=False),
        Key("more", "plus", "slide(1)", "More", "A standard deviation up", show=False),
        Key("middle", "home,backspace", "middle", "Middle", "This slider into the middle", show=False),
    ),
    "latent-walk": (
        Key("hear", "enter", "hear", "Hear", "Hear the way from one end to the other", show=False),
        Key("fewer", "h,left,minus", "steps(-1)", "Fewer", "One step less", show=False),
        Key("more", "l,right,plus", "steps(1)", "More", "One step more", show=False),
    ),
    "latent-draw": (
        Key("hear", "enter", "hear", "Hear", "Hear another random draw from the prior", show=False),
        Key("cooler", "h,left,minus", "heat(-0.1)", "Cooler", "Nearer to the middle", show=False),
        Key("hotter", "l,right,plus", "heat(0.1)", "Hotter", "Farther from the middle", show=False),
    ),
    "chart": (
        Key("zoom-in", "plus,equals_sign", "zoom(1)", "Zoom", "Look closer, at the crosshair", display="+ -"),
        Key("zoom-out", "minus", "zoom(-1)", "Zoom out", "Look from further away", show=False),
        Key("right", "l,right", "pan(1)", "Later", "Move along the zoomed charts", show=False),
        Key("left", "h,left", "pan(-1)", "Move", "Move back along the zoomed charts", show=False),
        Key("later", "full_stop", "cursor(1)", "Read", "Crosshair to the right; the frame has the values", show=False),
        Key("earlier", "comma", "cursor(-1)", "Read", "Crosshair to the left", show=False),
        Key("later-fast", "greater_than_sign", "cursor(10)", "Read", "Crosshair far to the right", show=False),
        Key("earlier-fast", "less_than_sign", "cursor(-10)", "Read", "Crosshair far to the left", show=False),
        Key("whole", "f,backspace", "whole", "Whole", "Everything again; twice: no crosshair", show=False),
        Key("clip", "u", "clip", "Clip", "Show outliers, or cut them off to see the rest", show=False),
    ),
    "chart-focus": (Key("done", "escape,z,enter", "done", "Done", "Back to the list; the charts stay as they are"),),
    "compare": (
        Key("pin", "space", "pin", "Pin", "Show the curves of the chosen run, or no longer"),
        Key("pin-all", "asterisk", "pin_all", "All", "Pin all runs that the filter shows, or none of them", show=False),
        Key("find", "slash", "find", "Find", "Show only runs whose name matches a regular expression", display="/"),
        Key("metrics", "m", "metrics", "Metrics", "Choose up to four figures, by name, unit and meaning"),
        Key("along", "x", "along", "Axis", "Along steps, epochs or time"),
        Key("hue", "number_sign", "hue", "Colour", "Give the chosen run another colour", show=False, display="#"),
        Key("log-values", "g", "log_values", "Log", "Logarithmic values, or plain ones", show=False),
        Key("log-along", "G", "log_along", "Log axis", "Logarithmic steps, epochs or time", show=False),
        Key("rougher", "left_square_bracket", "smooth(-1)", "Rougher", "Smooth less", show=False),
        Key("smoother", "right_square_bracket", "smooth(1)", "Smooth", "Smooth more", show=False),
        Key("difference", "d", "difference", "Diff", "Where the profiles of the pinned runs differ"),
        Key("chart", "tab", "next_chart", "Chart", "Choose the next chart; the list has its values", show=False),
        Key("back", "escape", "back", "Back", "Forget the filter; else back to the dashboard", show=False),
    ),
    "compare-list": (
        Key("open", "enter", "open", "Open", "Open the run on the dashboard", show=False),
        *_through("run"),
    ),
    "compare-metrics": (
        Key("take", "space", "take", "Choose", "Show the figure, or no longer; four at most"),
        Key("only", "enter", "only", "Only this", "Show this figure alone, and go back"),
        Key("down", "j,down", "move(1)", "Down", "Next figure", show=False),
        Key("up", "k,up", "move(-1)", "Up", "Previous figure", show=False),
        Key("page-down", "pagedown", "page(1)", "Page down", "A page further down", show=False),
        Key("page-up", "pageup", "page(-1)", "Page up", "A page further up", show=False),
        Key("back", "escape,m,q", "dismiss(None)", "Back", "Back to the charts"),
    ),
    "compare-profiles": (
        Key("back", "escape,d,q", "dismiss(None)", "Back", "Back to the charts"),
        Key("down", "j,down", "scroll(1)", "Down", "Further down", show=False),
        Key("up", "k,up", "scroll(-1)", "Up", "Further up", show=False),
    ),
    "listing": (
        Key("choose", "enter", "choose", "Open", "Open what the cursor is on, or show all of it", show=False),
        *_through("line of the list"),
    ),
    "find": (Key("give-up", "escape", "give_up", "Give up", "Look for nothing, and go back to the list", show=False),),
    "whole-text": (
        Key("back", "escape,enter,q", "dismiss(None)", "Back", "Back to where you were"),
        Key("copy", "y", "copy", "Copy", "Copy the text"),
        Key("down", "j", "scroll(1)", "Down", "Further down", show=False),
        Key("up", "k", "scroll(-1)", "Up", "Further up", show=False),
    ),
    "data": (
        Key("validate", "v", "validate", "Check", "Check every file, beside the training and without slowing it"),
        Key("find", "slash", "find", "Find", "Show only the findings that match", display="/"),
        Key("list", "tab", "next_list(1)", "Other list", "Go to the next list"),
        Key("list-before", "shift+tab", "next_list(-1)", "Other list", "Go to the list before", show=False),
        Key("previous", "left_square_bracket", "group(-1)", "Group", "Music by genre, or by data set", show=False),
        Key("next", "right_square_bracket", "group(1)", "Group", "Music by genre, or by data set", display="[ ]"),
        Key("refused", "r", "refused", "Refused", "Every refused file, and why"),
        Key("back", "escape", "back", "Back", "End the check or the search, else back to the dashboard", show=False),
    ),
    "tuning": (
        Key("previous", "left_square_bracket", "study(-1)", "Study", "Previous study", show=False),
        Key("next", "right_square_bracket", "study(1)", "Study", "Next study, or the previous one", display="[ ]"),
        Key("best", "b", "best_first", "Best first", "Trials in the order of their error, or of their numbers"),
        Key("objective", "m", "objective", "Figure", "The history of the other objective"),
        Key("panel", "tab", "next_panel", "Panel", "Show the next panel, where there is room for one only"),
        Key("copy", "y", "copy", "Copy", "Copy the command that trains with the best settings"),
        Key("back", "escape", "app.place('runs')", "Back", "Back to profiles and runs", show=False),
    ),
    "log": (
        Key("find", "slash", "find", "Find", "Look for a word or a regular expression in log and events", display="/"),
        Key("next-hit", "n", "hit(1)", "Next hit", "Go to the next line with what one looks for"),
        Key("previous-hit", "N", "hit(-1)", "Previous hit", "Go to the hit before that one", show=False),
        Key("follow", "f", "follow", "Follow", "Stay at the end, or no longer"),
        Key("previous", "left_square_bracket", "kind(-1)", "Kind", "Only events of the kind before", show=False),
        Key("next", "right_square_bracket", "kind(1)", "Kind", "Only events of one kind, the next one", display="[ ]"),
        Key("copy", "y", "copy", "Copy", "Copy the line", show=False),
        Key("list", "tab,shift+tab", "next_list", "Other list", "Go to the events, or back to the log"),
        Key("back", "escape", "back", "Back", "End the search, else back to the dashboard", show=False),
    ),
    "steer": (
        Key("back", "escape,t,q", "back", "Back", "Back to the list, or to where you were"),
        Key("down", "j", "cursor(1)", "Down", "Next command", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous command", show=False),
    ),
    "confirm": (
        Key("back", "escape,q", "dismiss(False)", "Back", "Go back; nothing happens to the run"),
        Key("down", "j", "cursor(1)", "Down", "Next answer", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous answer", show=False),
    ),
    "evaluation": (
        Key("back", "escape,e,q", "dismiss(None)", "Back", "Back to the dashboard"),
        Key("down", "j", "scroll(1)", "Down", "Further down", show=False),
        Key("up", "k", "scroll(-1)", "Up", "Further up", show=False),
    ),
    "refused": (Key("back", "escape,r,q", "dismiss(None)", "Back", "Back to where you were"),),
    "places": (
        Key("back", "escape,0,q", "dismiss(None)", "Back", "Back to where you were"),
        Key("down", "j", "cursor(1)", "Down", "Next screen", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous screen", show=False),
    ),
    "sound": (
        Key("browser", "b", "serve", "Browser", "Let a browser be the loudspeaker, or no longer"),
        Key("address", "y", "copy('address')", "Copy address", "Copy the address that the browser is to open"),
        Key("tunnel", "Y", "copy('tunnel')", "Copy ssh line", "Copy the ssh line that makes the address reachable"),
        Key("fresh", "f", "renew", "Fresh address", "Make the address void, and another one"),
        Key("play", "space", "play", "Pause", "Pause what sounds, or go on with it"),
        Key("louder", "plus,equals_sign", "volume(1)", "Louder", "Louder", show=False),
        Key("quieter", "minus", "volume(-1)", "Quieter", "Quieter", show=False),
        Key("choose", "enter", "choose", "Choose", "Take the route from now on", show=False),
        Key("down", "j", "cursor(1)", "Down", "Next route", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous route", show=False),
        Key("back", "escape,o,q", "dismiss(None)", "Back", "Back to where you were"),
    ),
    "leave": (
        Key("back", "escape,q", "dismiss(None)", "Back", "Go back; nothing happens to the run"),
        Key("down", "j", "cursor(1)", "Down", "Next answer", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous answer", show=False),
    ),
    "help": (
        Key("back", "escape,question_mark,q,enter", "back", "Back", "End the search, else back to where you were"),
        Key("find", "slash", "find", "Find", "Show only the keys and words that match", display="/"),
        Key("down", "j", "scroll(1)", "Down", "Further down", show=False),
        Key("up", "k", "scroll(-1)", "Up", "Further up", show=False),
    ),
}
"""Rows by the place in which they work. `console` works everywhere but in questions."""


_MOVES = {"down", "up", "left", "right", "page-down", "page-up", "first", "last", "back", "palette"}
"""Names of rows that only move about, which nobody looks for by name."""


def is_command(binding: Binding) -> bool:
    """Whether a binding is a row of the table that the palette should offer, be it in the footer or not."""
    return bool(binding.id) and str(binding.id).rpartition(".")[2] not in _MOVES


def bindings(place: str) -> list[BindingType]:
    """The rows of `place` as bindings.

    Raises
    ------
    KeyError
        If the table has no such place.
    """
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=key.show,
            key_display=key.display,
            priority=key.priority,
            tooltip=key.tooltip,
            id=f"{place}.{key.name}",
        )
        for key in TABLE[place]
    ]
