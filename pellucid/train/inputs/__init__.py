"""Checking and preparing the arrays that a user trains on."""
