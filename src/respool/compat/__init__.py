"""Faces: the pools of older clients on the engine of respool, so that code written for them runs after one import.

Each module is the face of one client, and is used in its place: ``import respool.compat.aioredis as aioredis``. A face
is made of public names of respool alone, and raises the errors that code written for its client expects.
"""
