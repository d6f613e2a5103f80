"""What users complain of in other workbenches, and what no other has: each by its name, with the tests that hold it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

FLOORS = {
    "01 a preview does not restart at each keystroke": [
        "gui/test_floors.py::test_five_keystrokes_ask_for_one_estimate"
    ],
    "02 the window does not freeze": [
        "test_benchmarks.py::test_rows_of_the_window",
        "gui/test_weights_box.py::test_no_file_is_opened_on_the_windows_thread",
        "gui/test_zoom_dock.py::test_stepwise_lets_others_have_their_turn",
    ],
    "03 stopped early, the iterate is kept and goes on": [
        "gui/test_window.py::test_stop_and_keep_then_continue_equals_no_stop",
        "methods/test_conformance.py::test_continued_as_if_there_had_been_no_stop",
    ],
    "04 progress stands in the dock": ["gui/test_stage.py::test_the_running_job_is_on_show"],
    "05 out of memory ends a job, no spinner stays": [
        "gui/test_floors.py::test_out_of_memory_ends_the_job_with_words_and_the_next_one_runs"
    ],
    "06 a device's memory is freed when idle": [
        "networks/test_opening.py::test_a_job_that_leaves_a_gpu_takes_its_networks_along",
        "core/test_reconstruct.py::test_state_leaves_the_device",
        "workbench/test_jobs.py::test_a_forgotten_job_is_freed",
    ],
    "07 memory is told before a run": [
        "methods/test_conformance.py::test_estimate",
        "io/test_bombs.py::test_one_budget",
    ],
    "08 no crash without CUDA": ["cli/test_train.py::test_there_is_no_gpu"],
    "09 every run has its own output": ["gui/test_window.py::test_a_rerun_replaces_and_other_parameters_add"],
    "10 cancelling loses nothing": ["gui/test_window.py::test_cancel_keeps_nothing_and_loses_nothing"],
    "11 centres of rotation are compared in a strip": ["gui/test_window.py::test_measured_sample_finds_its_centre"],
    "12 a centre lies between bins, too": [
        "operators/test_fbp.py::test_other_centres_without_new_tables",
        "io/test_measurement.py::test_automatic_centre",
    ],
    "13 a result keeps its scale": ["gui/test_window.py::test_simulate_keeps_truth_scale_and_units"],
    "14 a result keeps the units of the data": ["gui/test_floors.py::test_pictures_keep_the_units_of_the_data"],
    "15 one hot pixel makes no image black": ["gui/test_floors.py::test_one_hot_pixel_does_not_make_an_image_black"],
    "16 side by side, zoomed together, one contrast": [
        "gui/test_window.py::test_grid_and_residuals",
        "gui/test_stage.py::test_contrast_is_shared_or_own",
    ],
    "17 a slider between before and after": [
        "gui/test_pair_views.py::test_a_wipe_shows_both_pictures_own_values_and_follows_the_mouse"
    ],
    "18 replay, undo, session": [
        "cli/test_verbs.py::test_replay_gives_the_same_picture",
        "gui/test_leaving.py::test_a_session_is_saved_and_opened_with_one_action_each",
        "gui/test_leaving.py::test_removed_results_come_back",
    ],
    "19 a line profile of several results": [
        "gui/test_under_the_cursor.py::test_values_and_profiles_are_those_of_the_pictures"
    ],
    "20 the same data by all methods": ["gui/test_window.py::test_run_all_compare_and_take_away"],
    "21 a method that cannot run says why": ["gui/test_floors.py::test_what_cannot_run_says_why"],
    "22 no stray layers, widgets on their own thread": [
        "gui/test_floors.py::test_no_run_leaves_a_stray_layer",
        "gui/test_pair_views.py::test_what_a_view_puts_on_the_canvas_goes_with_it",
    ],
}
"""Complaints (or wishes) about other workbenches, none of which may happen to this one."""

WISHES = {
    "01 many operators share methods and views": ["methods/test_conformance.py::test_runs"],
    "02 the patch microscope": ["gui/test_microscope.py::test_look_pin_map_export"],
    "03 PSNR and SSIM in each cell, of slice and region": [
        "gui/test_compare_dock.py::test_captions_are_short_and_fit_their_cells",
        "gui/test_numbers.py::test_a_region_is_drawn_and_measured",
    ],
    "04 residuals as pictures, chi-square and whiteness": [
        "workbench/test_pictures.py::test_each_kind_is_what_it_says_and_is_made_once",
        "core/test_goodness.py::test_white_noise_gives_one",
    ],
    "05 wipe, blink, difference of any two": [
        "gui/test_pair_views.py::test_a_blink_has_no_empty_frame",
        "gui/test_pair_views.py::test_a_difference_is_signed_and_its_limits_symmetric",
        "gui/test_pair_views.py::test_a_composite_adds_two_colours_that_are_grey_where_both_agree",
    ],
    "06 a sweep as a scored contact sheet, adopted by a click": [
        "batch/test_sweep.py::test_every_combination_is_what_it_would_be_alone",
        "gui/test_sweep_tab.py",
    ],
    "07 iterations as an axis": [
        "core/test_iterates.py::test_a_run_fills_it_and_any_iterate_can_be_kept_and_replayed",
        "methods/test_starting.py::test_the_recipe_makes_it_again_bit_for_bit",
        "gui/test_iterations.py",
    ],
    "08 time and memory before a run": ["methods/test_conformance.py::test_estimate"],
    "09 every layer carries its recipe": [
        "gui/test_layer_menu.py::test_run_again_from_a_layer_gives_the_same_picture",
        "workbench/test_as_text.py::test_in_new_processes_bit_for_bit",
    ],
    "10 simulate and benchmark": [
        "batch/test_benchmark.py::test_the_report_is_one_page_that_needs_nothing_else",
        "gui/test_benchmark_dialog.py",
    ],
    "11 weights serve another operator": [
        "methods/test_reuse.py::test_it_ends_at_the_fixed_point_of_its_equation",
        "methods/test_reuse.py::test_which_weights_it_takes",
    ],
}
"""What no other workbench has."""


def names_in(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", [*FLOORS, *(f"wish {name}" for name in WISHES)])
def test_is_held_by_tests_that_exist(name):
    for test in FLOORS.get(name) or WISHES[name.removeprefix("wish ")]:
        file, _, function = test.partition("::")
        assert (TESTS / file).is_file(), f"{file} is gone"
        assert not function or function in names_in(TESTS / file), f"{test} is gone"
