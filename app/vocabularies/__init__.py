"""The words of the field as rows that staff can extend: artforms, sectors, access features …"""
