"""Requests songs from watched folders and on schedules."""
