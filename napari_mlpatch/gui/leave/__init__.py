"""Taking away: sessions, figures, what changed; napari's own menus, writers and preferences."""
